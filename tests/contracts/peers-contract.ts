/** The contract of calls between two sidecars, whatever their protocol. */
import { connect, createServer, type AddressInfo, type Socket } from "node:net";
import { Readable } from "node:stream";
import { setImmediate as turn } from "node:timers/promises";
import {
  CallError,
  type Forward,
  type ForwardReply,
  type ForwardRequest,
  type Peers,
  type PeerRequest,
} from "../../runtime/contracts/invocation.ts";
import { encodeMessage } from "../../runtime/proto/codec.ts";
import { Status } from "../../runtime/proto/gen/dapr/proto/internals/v1/service_invocation.ts";
import type { Peer } from "../../runtime/contracts/name-resolver.ts";
import { listenPeers, type PeerServer } from "../../runtime/peers/server.ts";
import { untilStill } from "../support/stand-still.ts";
import { waitFor } from "../wait-for.ts";

const maxBodyBytes = 4 * 1024 * 1024;

export const request = (more: Partial<PeerRequest> = {}): PeerRequest => ({
  appId: "callee",
  namespace: "default",
  method: "POST",
  path: "/neworder?x=1&y=%20",
  headers: ["content-type", "application/json", "x-one", "1"],
  body: Buffer.from('{"id":1}'),
  ...more,
});

export async function wholeOf(body: ForwardRequest["body"]): Promise<Buffer> {
  if (body === undefined) return Buffer.alloc(0);
  if (!(body instanceof Readable)) return Buffer.from(body);
  const chunks: Buffer[] = [];
  for await (const chunk of body) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

export const valuesOf = (headers: string[], name: string): string[] =>
  headers.filter(
    (_, i) => i % 2 === 1 && headers[i - 1]!.toLowerCase() === name,
  );

const ok = (body: ForwardReply["body"] = Buffer.alloc(0)): ForwardReply => ({
  status: 200,
  headers: [],
  body,
});

export function peersContract(
  name: string,
  openPeers: (maxBodyBytes: number) => Peers,
) {
  describe(`calls between sidecars, ${name}`, () => {
    let receive: Forward;
    let server: PeerServer;
    let peers: Peers;
    let peer: Peer;

    beforeAll(async () => {
      server = await listenPeers({
        addresses: ["127.0.0.1"],
        port: 0,
        appId: `contract-${name}`,
        receive: (call) => receive(call),
        maxBodyBytes,
      });
      peers = openPeers(maxBodyBytes);
      peer = { host: "127.0.0.1", port: server.port };
    });
    afterAll(async () => {
      await peers.close();
      await server.close();
    });

    /** Makes a call and resolves with what the callee's app receives. */
    async function seenOf(more: Partial<PeerRequest>) {
      let seen: (ForwardRequest & { whole: Buffer }) | undefined;
      receive = async (call) => {
        seen = { ...call, whole: await wholeOf(call.body) };
        return ok();
      };
      const reply = await peers.call(peer, request(more));
      await wholeOf(reply.body);
      return seen!;
    }

    const answered = (reply: Partial<ForwardReply>, more = {}) => {
      receive = async (call) => {
        await wholeOf(call.body);
        return { ...ok(), ...reply };
      };
      return peers.call(peer, request(more));
    };

    test("verb, path, query, headers and body arrive unchanged", async () => {
      const seen = await seenOf({
        method: "PUT",
        headers: [
          "content-type",
          "text/plain",
          "X-Two",
          "a",
          "x-two",
          "b",
          "x-empty",
          "",
          "x-bytes",
          "caf\u00c3\u00a9",
          "x-latin",
          "caf\u00e9",
        ],
        body: Buffer.from("hello"),
      });
      expect(seen).toMatchObject({
        method: "PUT",
        path: "/neworder?x=1&y=%20",
      });
      expect(seen.whole.toString()).toBe("hello");
      expect(valuesOf(seen.headers, "content-type")).toEqual(["text/plain"]);
      expect(valuesOf(seen.headers, "x-two")).toEqual(["a", "b"]);
      expect(valuesOf(seen.headers, "x-empty")).toEqual([""]);
      expect(valuesOf(seen.headers, "x-bytes")).toEqual(["caf\u00c3\u00a9"]);
      expect(valuesOf(seen.headers, "dapr-peer")).toEqual([]);
    });

    test.each([
      "GET",
      "POST",
      "PUT",
      "DELETE",
      "PATCH",
      "OPTIONS",
      "TRACE",
      "NONE",
    ])("a %s without a body arrives without one", async (method) => {
      const seen = await seenOf({ method, headers: [], body: undefined });
      expect(seen.method).toBe(method);
      expect(seen.whole).toHaveLength(0);
    });

    test("bytes of a caller and of an app by gRPC arrive, as Base64", async () => {
      const pairs = [
        "x-bin",
        "AP8=",
        "x-bin",
        "AAEC",
        "grpc-trace-bin",
        "AAA=",
      ];
      const { headers } = await seenOf({ headers: pairs });
      expect(valuesOf(headers, "x-bin")).toEqual(["AP8=", "AAEC"]);
      expect(valuesOf(headers, "grpc-trace-bin")).toEqual(["AAA="]);
      const reply = await answered({
        headers: ["x-head-bin", "AP8="],
        grpc: { code: 0, message: "", trailers: ["x-tail-bin", "AAEC"] },
      });
      expect(valuesOf(reply.headers, "x-head-bin")).toEqual(["AP8="]);
      expect(reply.grpc?.trailers).toEqual(["x-tail-bin", "AAEC"]);
    });

    test("how the call of a gRPC app ended is passed on", async () => {
      const message = "too late: caf\u00e9";
      const details = encodeMessage(Status, {
        code: 10,
        message,
        details: [{ typeUrl: "t/a", value: Buffer.from("why") }],
      });
      const trailers = ["x-tail", "1", "x-tail", "2"];
      const failed = { code: 10, message, details, trailers };
      const { grpc, status, body } = await answered({
        status: 409,
        headers: ["content-type", "application/json"],
        body: Buffer.from(JSON.stringify({ code: 10, message })),
        grpc: failed,
      });
      expect(status).toBe(409);
      // The gRPC way makes it from the status, the direct one passes the callee's on.
      expect(JSON.parse((await wholeOf(body)).toString())).toMatchObject({
        code: 10,
        message,
      });
      expect(grpc).toMatchObject({ code: 10, message, trailers });
      expect(Buffer.from(grpc!.details!)).toEqual(details);
      const good = await answered({
        grpc: { code: 0, message: "", trailers },
      });
      expect(good.grpc).toMatchObject({ code: 0, trailers });
      expect((await answered({})).grpc).toBeUndefined();
    });

    test("a gRPC app's error that is very large keeps its code", async () => {
      const { grpc } = await answered({
        status: 409,
        grpc: {
          code: 10,
          message: "x".repeat(20_000),
          details: Buffer.alloc(20_000),
          trailers: ["x-tail", "y".repeat(20_000)],
        },
      });
      expect(grpc).toMatchObject({
        code: 10,
        message: expect.stringMatching(/^x{4000}/) as string,
      });
    });

    test("an encoded path stays encoded", async () => {
      const seen = await seenOf({ path: "/a%20b/%C3%A9%2Fc" });
      expect(seen.path).toBe("/a%20b/%C3%A9%2Fc");
    });

    test.each([200, 201, 204, 304, 404, 418, 500, 503])(
      "the app's status %i is passed on",
      async (status) => {
        const reply = await answered({
          status,
          headers: ["X-App", "1", "set-cookie", "a=1", "set-cookie", "b=2"],
        });
        expect(reply.status).toBe(status);
        expect(valuesOf(reply.headers, "x-app")).toEqual(["1"]);
        expect(valuesOf(reply.headers, "set-cookie")).toEqual(["a=1", "b=2"]);
        expect(await wholeOf(reply.body)).toHaveLength(0);
      },
    );

    test("an answer's body arrives with its type", async () => {
      const reply = await answered({
        headers: ["content-type", "text/plain", "content-length", "2"],
        body: Buffer.from("hi"),
      });
      expect((await wholeOf(reply.body)).toString()).toBe("hi");
      expect(valuesOf(reply.headers, "content-type")).toEqual(["text/plain"]);
    });

    test.each([["5"], ["0"], []])(
      "the answer to HEAD has the app's own length %s and no body",
      async (...length) => {
        const reply = await answered(
          { headers: length.flatMap((value) => ["content-length", value]) },
          { method: "HEAD", body: undefined },
        );
        expect(valuesOf(reply.headers, "content-length")).toEqual(length);
        expect(await wholeOf(reply.body)).toHaveLength(0);
      },
    );

    test("large bodies are streamed in both directions", async () => {
      const size = 20 * 1024 * 1024;
      receive = async ({ body }) => ok(body as Readable);
      const reply = await peers.call(
        peer,
        request({ body: Readable.from(pieces(size)) }),
      );
      let sum = 0;
      let at = 0;
      for await (const chunk of reply.body as Readable)
        for (const byte of chunk as Buffer) sum += byte === at++ % 251 ? 1 : 0;
      expect(sum).toBe(size);
    });

    test("a body of 3 MB in memory arrives unchanged", async () => {
      const body = Buffer.alloc(3 * 1024 * 1024, "x");
      receive = async (call) => ok(await wholeOf(call.body));
      const reply = await peers.call(peer, request({ body }));
      expect((await wholeOf(reply.body)).equals(body)).toBe(true);
    });

    test("while the reader does not read, the writer has to wait", async () => {
      let made = 0;
      receive = async () =>
        ok(
          new Readable({
            read() {
              made += 64 * 1024;
              this.push(Buffer.alloc(64 * 1024));
            },
          }),
        );
      const reply = await peers.call(peer, request());
      expect(await untilStill("the writer", () => made)).toBeLessThan(
        32 * 1024 * 1024,
      );
      (reply.body as Readable).destroy();
    });

    test("events arrive one by one, as they are sent", async () => {
      const events = new Readable({ read() {} });
      receive = async () => ok(events);
      const reply = await peers.call(peer, request());
      const seen: string[] = [];
      (reply.body as Readable).on("data", (chunk) => seen.push(String(chunk)));
      for (const event of ["one", "two", "three"]) {
        events.push(event);
        await waitFor(event, () => seen.at(-1) === event);
      }
      events.push(null);
      await waitFor("the end", () => (reply.body as Readable).readableEnded);
      expect(seen).toEqual(["one", "two", "three"]);
    });

    test("an answer may come before the request has ended", async () => {
      receive = async ({ body }) => {
        const echo = new Readable({ read() {} });
        (body as Readable).on("data", (chunk) => echo.push(chunk));
        (body as Readable).on("end", () => echo.push(null));
        return ok(echo);
      };
      const body = new Readable({ read() {} });
      body.push("first");
      const reply = await peers.call(peer, request({ body, headers: [] }));
      const seen: string[] = [];
      (reply.body as Readable).on("data", (chunk) => seen.push(String(chunk)));
      await waitFor("the first piece", () => seen[0] === "first");
      body.push("second");
      await waitFor("the second piece", () => seen[1] === "second");
      body.push(null);
      await waitFor("the end", () => (reply.body as Readable).readableEnded);
    });

    test.each([
      "denied",
      "invalid",
      "internal",
      "unimplemented",
      "too-large",
      "unauthenticated",
    ] as const)(
      "a call that fails as %s fails so for the caller",
      async (kind) => {
        receive = async () => {
          throw new CallError(kind, `no: caf\u00e9 is ${kind}`);
        };
        await expect(peers.call(peer, request())).rejects.toMatchObject({
          name: "CallError",
          kind,
          message: `no: caf\u00e9 is ${kind}`,
        });
      },
    );

    test.each([
      ["unavailable", true],
      ["unavailable", false],
      ["internal", true],
      ["internal", false],
    ] as const)(
      "the caller learns whether the app saw the call: %s, unsent %s",
      async (kind, unsent) => {
        receive = async () => {
          throw new CallError(kind, "no", { unsent });
        };
        await expect(peers.call(peer, request())).rejects.toMatchObject({
          kind,
          unsent,
        });
      },
    );

    test("an error of the app's connection becomes an internal error", async () => {
      receive = async () => {
        throw new Error("connect ECONNREFUSED");
      };
      await expect(peers.call(peer, request())).rejects.toMatchObject({
        kind: "internal",
        message: "connect ECONNREFUSED",
      });
    });

    test("an answer that breaks off does not look complete", async () => {
      const broken = new Readable({ read() {} });
      receive = async () => ok(broken);
      const reply = await peers.call(peer, request());
      broken.push("half");
      (reply.body as Readable).once("data", () =>
        broken.destroy(new Error("the app died")),
      );
      await expect(wholeOf(reply.body)).rejects.toThrow();
    });

    test("a request that breaks off does not look complete", async () => {
      const outcome = Promise.withResolvers<unknown>();
      receive = async (call) => {
        await wholeOf(call.body).then(outcome.resolve, outcome.reject);
        return ok();
      };
      const body = new Readable({ read() {} });
      body.push("half");
      const call = peers.call(peer, request({ body, headers: [] }));
      outcome.promise.catch(() => {});
      await turn();
      setTimeout(() => body.destroy(new Error("the caller's app died")), 50);
      await expect(call).rejects.toThrow();
      await expect(outcome.promise).rejects.toThrow();
    });

    test("a caller that leaves ends the call at the callee", async () => {
      const gone = Promise.withResolvers<void>();
      const begun = Promise.withResolvers<void>();
      receive = ({ signal }) =>
        new Promise(() => {
          signal!.addEventListener("abort", () => gone.resolve());
          begun.resolve();
        });
      const abort = new AbortController();
      const call = peers.call(peer, request({ signal: abort.signal }));
      await begun.promise;
      abort.abort(new Error("the app hung up"));
      await expect(call).rejects.toThrow("the app hung up");
      await gone.promise;
    });

    test("a reader that leaves ends the answer at the callee", async () => {
      const events = new Readable({ read() {} });
      receive = async () => ok(events);
      events.push("one");
      const reply = await peers.call(peer, request());
      await new Promise((seen) => (reply.body as Readable).once("data", seen));
      (reply.body as Readable).destroy();
      await waitFor("the source to be given up", () => events.destroyed);
    });

    test("500 calls at a time get their own answers", async () => {
      receive = async (call) => ok(await wholeOf(call.body));
      const replies = await Promise.all(
        Array.from({ length: 500 }, (_, i) =>
          peers.call(peer, request({ body: Buffer.from(String(i)) })),
        ),
      );
      const bodies = await Promise.all(
        replies.map(({ body }) => wholeOf(body)),
      );
      expect(bodies.map(String)).toEqual(bodies.map((_, i) => String(i)));
    });

    test("a sidecar that does not run is unavailable, and nothing was sent", async () => {
      const gone = await listenPeers({
        addresses: ["127.0.0.1"],
        port: 0,
        appId: "gone",
        receive: async () => ok(),
        maxBodyBytes,
      });
      await gone.close();
      await expect(
        peers.call({ ...peer, port: gone.port }, request()),
      ).rejects.toMatchObject({
        kind: "unavailable",
        unsent: true,
        // Under Jest an error of Node's is not an instance of the test's `Error`, hence "Error: ".
        message: expect.stringMatching(
          new RegExp(
            `^the sidecar of callee at 127.0.0.1:${gone.port} can't be reached: (Error: )?connect ECONNREFUSED 127.0.0.1:${gone.port}; is it still running\\?$`,
          ),
        ) as string,
      });
    });

    test.each(["closed", "reset"])(
      "when a connection is %s under a call, the error names the app",
      async (how) => {
        const begun = Promise.withResolvers<void>();
        receive = () => new Promise(() => begun.resolve());
        const wires: [near: Socket, far: Socket][] = [];
        const wire = createServer((near) => {
          const far = connect(server.port, "127.0.0.1");
          for (const socket of [near, far]) socket.on("error", () => {});
          near.pipe(far).pipe(near);
          wires.push([near, far]);
        });
        await new Promise<void>((done) => wire.listen(0, "127.0.0.1", done));
        const { port } = wire.address() as AddressInfo;
        const call = peers.call({ ...peer, port }, request());
        call.catch(() => {});
        await begun.promise;
        for (const [near, far] of wires) {
          if (how === "reset") near.resetAndDestroy();
          else near.destroy();
          far.destroy();
        }
        await expect(call).rejects.toMatchObject({
          kind: "unavailable",
          unsent: false,
          message: expect.stringMatching(
            new RegExp(
              `^the sidecar of callee at 127.0.0.1:${port} was lost before it answered, so callee may have got the call or not: (Error: )?[^:]*$`,
            ),
          ) as string,
        });
        wire.close();
      },
    );

    test("close lets calls under way end", async () => {
      const begun = Promise.withResolvers<void>();
      const go = Promise.withResolvers<void>();
      const closing = await listenPeers({
        addresses: ["127.0.0.1"],
        port: 0,
        appId: "closing",
        receive: async () => {
          begun.resolve();
          await go.promise;
          return ok(Buffer.from("done"));
        },
        maxBodyBytes,
      });
      const call = peers.call({ ...peer, port: closing.port }, request());
      await begun.promise;
      const closed = closing.close();
      go.resolve();
      expect((await wholeOf((await call).body)).toString()).toBe("done");
      await closed;
    });

    test("a sidecar that leaves takes no new calls, says so on kept connections, and completes calls under way", async () => {
      const begun = Promise.withResolvers<void>();
      const go = Promise.withResolvers<void>();
      let calls = 0;
      const leaving = await listenPeers({
        addresses: ["127.0.0.1"],
        port: 0,
        appId: "leaving",
        receive: async ({ path }) => {
          calls++;
          if (path === "/slow") {
            begun.resolve();
            await go.promise;
          }
          return ok(Buffer.from("done"));
        },
        maxBodyBytes,
      });
      const to = { ...peer, port: leaving.port };
      const callers = [openPeers(maxBodyBytes), peers];
      for (const caller of callers)
        await wholeOf((await caller.call(to, request())).body);
      const slow = peers.call(to, request({ path: "/slow" }));
      await begun.promise;
      leaving.leave();
      const body = Buffer.alloc(300_000);
      for (const caller of callers)
        for (const more of [{}, { body }])
          await expect(caller.call(to, request(more))).rejects.toMatchObject({
            kind: "unavailable",
            unsent: true,
          });
      const closed = leaving.close();
      go.resolve();
      expect((await wholeOf((await slow).body)).toString()).toBe("done");
      await closed;
      expect(calls).toBe(3);
      await callers[0]!.close();
    });

    test("while a sidecar ends, each call is either answered or known to be unsent", async () => {
      let taken = 0;
      const ending = await listenPeers({
        addresses: ["127.0.0.1"],
        port: 0,
        appId: "ending",
        receive: async () => {
          taken++;
          await turn();
          return ok(Buffer.from("done"));
        },
        maxBodyBytes,
      });
      const to = { ...peer, port: ending.port };
      let done = 0;
      const refusals: CallError[] = [];
      // A call that was refused goes to the other sidecar.
      const caller = async () => {
        for (;;)
          try {
            await wholeOf((await peers.call(to, request())).body);
            done++;
          } catch (error) {
            return void refusals.push(error as CallError);
          }
      };
      const callers = Array.from({ length: 20 }, caller);
      await waitFor("calls", () => done > 100);
      await ending.close();
      await Promise.all(callers);
      expect(refusals.filter(({ unsent }) => !unsent)).toEqual([]);
      expect(done).toBe(taken);
    });
  });
}

function* pieces(size: number) {
  const step = 100_003;
  for (let at = 0; at < size; at += step)
    yield Buffer.from(
      Uint8Array.from(
        { length: Math.min(step, size - at) },
        (_, i) => (at + i) % 251,
      ),
    );
}
