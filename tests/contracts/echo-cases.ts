/** The contract of gRPC calls that are passed on: what stays the same, however many sidecars are between. */
import {
  Metadata,
  status,
  type Client,
  type ServiceError,
  type StatusObject,
} from "@grpc/grpc-js";
import {
  connectEcho,
  echoMethods,
  type EchoService,
} from "../support/echo-service.ts";
import { untilStill } from "../support/stand-still.ts";
import { waitFor } from "../wait-for.ts";

export interface EchoRoute {
  /** Where callers call. */
  port: number;
  echo: EchoService;
  /** What leads a call to the service. */
  lead: Record<string, string>;
}

const gzip = 2;
/** Of one name; the client joins them by itself. */
const valuesOf = (metadata: Metadata, name: string) =>
  metadata.get(name).join(", ");

export function echoCases(name: string, routeOf: () => EchoRoute) {
  describe(`gRPC calls ${name}`, () => {
    let route: EchoRoute;
    let client: Client;
    beforeAll(() => {
      route = routeOf();
      client = connectEcho(route.port);
    });
    afterAll(() => client.close());
    beforeEach(() => (route.echo.seen.length = 0));

    const metadataWith = (more: [string, string | Buffer][] = []) => {
      const metadata = new Metadata();
      for (const [key, value] of Object.entries(route.lead))
        metadata.set(key, value);
      for (const [key, value] of more) metadata.add(key, value);
      return metadata;
    };

    interface Outcome {
      error: ServiceError | null;
      value: Buffer | undefined;
      head: Metadata | undefined;
      status: StatusObject | undefined;
    }

    function unary(
      { path }: { path: string },
      value: Buffer,
      { via = client, metadata = metadataWith(), options = {} } = {},
    ): Promise<Outcome> {
      return new Promise((resolve) => {
        let head: Metadata | undefined;
        let outcome: Pick<Outcome, "error" | "value"> | undefined;
        let ended: StatusObject | undefined;
        const finish = () => {
          if (outcome && ended) resolve({ ...outcome, head, status: ended });
        };
        const call = via.makeUnaryRequest(
          path,
          (sent: Buffer) => sent,
          (got: Buffer) => got,
          value,
          metadata,
          options,
          (error, answer) => {
            outcome = { error, value: answer };
            finish();
          },
        );
        call.on("metadata", (got: Metadata) => (head = got));
        call.on("status", (got: StatusObject) => {
          ended = got;
          finish();
        });
      });
    }

    const chat = (method: { path: string }, options = {}) =>
      client.makeBidiStreamRequest(
        method.path,
        (sent: Buffer) => sent,
        (got: Buffer) => got,
        metadataWith(),
        options,
      );
    const failureOf = (call: NodeJS.EventEmitter) =>
      new Promise<ServiceError>((resolve) => call.once("error", resolve));
    const next = (call: NodeJS.EventEmitter) =>
      new Promise<string>((resolve) =>
        call.once("data", (got: Buffer) => resolve(got.toString())),
      );

    test("a message and its answer arrive, with metadata of all kinds, head and trailers", async () => {
      const metadata = metadataWith([
        ["x-one", "1"],
        ["x-many", "a"],
        ["x-many", "b"],
        ["x-bytes-bin", Buffer.from([0, 1, 255])],
      ]);
      const outcome = await unary(echoMethods.unary, Buffer.from("hello"), {
        metadata,
      });
      expect(outcome.error).toBeNull();
      expect(outcome.value!.toString()).toBe("hello");
      expect(outcome.head!.get("x-head")).toEqual(["h"]);
      expect(outcome.status!.code).toBe(status.OK);
      expect(valuesOf(outcome.status!.metadata, "x-trailer")).toBe("one, two");
      expect(outcome.status!.metadata.get("x-bytes-bin")).toEqual([
        Buffer.from([0, 255]),
      ]);
      const [seen] = route.echo.seen;
      expect(seen!.get("x-one")).toEqual(["1"]);
      expect(valuesOf(seen!, "x-many")).toBe("a, b");
      expect(seen!.get("x-bytes-bin")).toEqual([Buffer.from([0, 1, 255])]);
    });

    test.each([0, 1, 4096, 1024 * 1024])(
      "a message of %i bytes",
      async (size) => {
        const message = Buffer.alloc(size, "m");
        const { value } = await unary(echoMethods.unary, message);
        expect(value!.equals(message)).toBe(true);
      },
    );

    test("many messages can have one answer", async () => {
      const count = 100;
      const collected = await new Promise<string>((resolve, reject) => {
        const call = client.makeClientStreamRequest(
          echoMethods.collect.path,
          (sent: Buffer) => sent,
          (got: Buffer) => got,
          metadataWith(),
          (error, value) =>
            error ? reject(error) : resolve(value!.toString()),
        );
        for (let i = 0; i < count; i++) call.write(Buffer.alloc(1000));
        call.end();
      });
      expect(collected).toBe(String(count * 1000));
    });

    const repeat = (times: string) =>
      client.makeServerStreamRequest(
        echoMethods.repeat.path,
        (sent: Buffer) => sent,
        (got: Buffer) => got,
        Buffer.from(times),
        metadataWith(),
      );

    test("one message can have many answers, 64 MB of them", async () => {
      const call = repeat("1024x65536");
      let size = 0;
      let trailers: Metadata | undefined;
      call.on("data", (got: Buffer) => (size += got.length));
      call.on("status", (got: StatusObject) => (trailers = got.metadata));
      await waitFor("the end", () => trailers);
      expect(size).toBe(64 * 1024 * 1024);
      expect(valuesOf(trailers!, "x-trailer")).toBe("one, two");
    });

    test("while the reader does not read, the writer has to wait", async () => {
      const before = route.echo.repeated();
      const call = repeat("4096x65536");
      const failed = failureOf(call);
      await new Promise((resolve) => call.once("readable", resolve));
      const written = await untilStill(
        "the writer",
        () => route.echo.repeated() - before,
      );
      expect(written * 65536).toBeLessThan(32 * 1024 * 1024);
      call.cancel();
      expect((await failed).code).toBe(status.CANCELLED);
    });

    test("messages go in both directions at once, before either side has ended", async () => {
      const call = chat(echoMethods.chat);
      for (const word of ["one", "two", "three"]) {
        const got = next(call);
        call.write(Buffer.from(word));
        expect(await got).toBe(word);
      }
      const ended = new Promise<StatusObject>((resolve) =>
        call.once("status", resolve),
      );
      call.end();
      const { code, metadata } = await ended;
      expect([code, valuesOf(metadata, "x-trailer")]).toEqual([0, "one, two"]);
    });

    test("100 calls at a time do not mix", async () => {
      const outcomes = await Promise.all(
        Array.from({ length: 100 }, (_, i) =>
          unary(echoMethods.unary, Buffer.from(String(i))),
        ),
      );
      expect(outcomes.map(({ value }) => value!.toString())).toEqual(
        outcomes.map((_, i) => String(i)),
      );
    });

    test("a failure arrives with the service's code, text and trailers", async () => {
      const { error } = await unary(echoMethods.fail, Buffer.from("way"));
      expect(error).toMatchObject({
        code: status.FAILED_PRECONDITION,
        details: "no: café way",
      });
      expect(valuesOf(error!.metadata, "x-trailer")).toBe("one, two");
      expect(error!.metadata.get("x-bytes-bin")).toEqual([
        Buffer.from([0, 255]),
      ]);
    });

    test("an unknown method is UNIMPLEMENTED, a status without messages", async () => {
      const { error } = await unary(
        { path: "/test.Echo/None" },
        Buffer.from(""),
      );
      expect(error).toMatchObject({ code: status.UNIMPLEMENTED });
      expect(error!.details).toMatch(/None/);
    });

    test("compressed messages are passed on unchanged", async () => {
      const packing = connectEcho(route.port, {
        "grpc.default_compression_algorithm": gzip,
        "grpc.default_compression_level": 2,
      });
      const message = Buffer.alloc(100_000, "z");
      const { error, value } = await unary(echoMethods.unary, message, {
        via: packing,
      });
      expect(error).toBeNull();
      expect(value!.equals(message)).toBe(true);
      packing.close();
    });

    test("the caller's deadline is passed on and ends the call at the service too", async () => {
      const before = route.echo.cancelled();
      const call = chat(echoMethods.hang, { deadline: Date.now() + 1000 });
      expect((await failureOf(call.resume())).code).toBe(
        status.DEADLINE_EXCEEDED,
      );
      const left = route.echo.deadlines.at(-1)!;
      expect(left).toBeGreaterThan(0);
      expect(left).toBeLessThanOrEqual(1000);
      await waitFor("its end there", () => route.echo.cancelled() > before);
    });

    test("when a caller leaves, the call ends at the service", async () => {
      const before = route.echo.cancelled();
      const call = chat(echoMethods.hang);
      const failed = failureOf(call);
      expect(await next(call)).toBe("begun");
      call.cancel();
      expect((await failed).code).toBe(status.CANCELLED);
      await waitFor("its end there", () => route.echo.cancelled() > before);
    });

    test("a message over the limit is RESOURCE_EXHAUSTED, in either direction", async () => {
      const large = await unary(
        echoMethods.unary,
        Buffer.alloc(4 * 1024 * 1024 + 1),
      );
      expect(large.error).toMatchObject({ code: status.RESOURCE_EXHAUSTED });
      const call = repeat(`1x${4 * 1024 * 1024 + 1}`);
      expect((await failureOf(call.resume())).code).toBe(
        status.RESOURCE_EXHAUSTED,
      );
      const just = await unary(
        echoMethods.unary,
        Buffer.alloc(4 * 1024 * 1024),
      );
      expect(just.error).toBeNull();
    });

    test("when a service dies in the middle of a stream, the call fails and does not look complete", async () => {
      const call = chat(echoMethods.hang);
      const failed = failureOf(call);
      expect(await next(call)).toBe("begun");
      route.echo.kill();
      const { code } = await failed;
      expect([status.UNAVAILABLE, status.INTERNAL, status.CANCELLED]).toContain(
        code,
      );
    });
  });
}
