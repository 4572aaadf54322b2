/** Apps over gRPC that answer what is no answer, die, or come and go: each call hears of it, and nothing is left behind. */
import { readdirSync } from "node:fs";
import {
  constants,
  createServer,
  type Http2Server,
  type ServerHttp2Stream,
} from "node:http2";
import type { AddressInfo } from "node:net";
import { startDaprd, stopAll, type Daprd } from "../support/daprd.ts";
import { embedded, order } from "../support/embedded.ts";
import { closeGrpcApps, startGrpcApp } from "../support/grpc-app.ts";
import { canReadMemory, memoryOf } from "../support/memory.ts";
import { waitFor } from "../wait-for.ts";

let server: Http2Server | undefined;
afterEach(async () => {
  await stopAll();
  await closeGrpcApps();
  server?.close();
  server = undefined;
});

const args = ["--app-protocol=grpc"];
const orders = embedded("orders", {
  direction: "input,output",
  backOffDuration: "50ms",
  consumeRetryInterval: "50ms",
});
const invoke = (sidecar: Daprd, body = "1") =>
  sidecar.call("POST", "/v1.0/invoke/testapp/method/a", { body });
const send = (sidecar: Daprd, data: unknown) =>
  sidecar.call("POST", "/v1.0/bindings/orders", { body: order(data) });

const head = { ":status": 200, "content-type": "application/grpc" };
const framed = (bytes: Buffer, flag = 0) => {
  const prefix = Buffer.alloc(5);
  prefix[0] = flag;
  prefix.writeUInt32BE(bytes.length, 1);
  return Buffer.concat([prefix, bytes]);
};
/** Ends a stream with messages, and with a status unless there is none to be. */
const answer =
  (bytes: Buffer, trailers: Record<string, string> = { "grpc-status": "0" }) =>
  (stream: ServerHttp2Stream) => {
    stream.respond(head, { waitForTrailers: true });
    stream.on("wantTrailers", () => stream.sendTrailers(trailers));
    stream.end(bytes);
  };

/** What an app may do to a stream, and the status that a caller by HTTP gets. */
const broken: [string, (stream: ServerHttp2Stream) => void, number][] = [
  [
    "a status alone",
    (stream) =>
      stream.respond(
        { ...head, "grpc-status": "5", "grpc-message": "none" },
        { endStream: true },
      ),
    404,
  ],
  [
    "a status alone that is OK",
    (stream) =>
      stream.respond({ ...head, "grpc-status": "0" }, { endStream: true }),
    500,
  ],
  ["a head alone", (stream) => stream.respond(head, { endStream: true }), 500],
  [
    "HTTP's 404",
    (stream) => stream.respond({ ":status": 404 }, { endStream: true }),
    501,
  ],
  [
    "a page of HTML",
    (stream) => {
      stream.respond({ ":status": 200, "content-type": "text/html" });
      stream.end("<p>hello");
    },
    500,
  ],
  ["a message without a status", answer(framed(Buffer.alloc(0)), {}), 500],
  ["no message", answer(Buffer.alloc(0)), 500],
  [
    "two messages",
    answer(Buffer.concat([framed(Buffer.alloc(0)), framed(Buffer.alloc(0))])),
    500,
  ],
  ["half a message", answer(Buffer.from([0, 0, 0, 0, 9, 1])), 500],
  ["a compressed message", answer(framed(Buffer.alloc(9), 1)), 500],
  ["a message of no type", answer(framed(Buffer.from([0xff, 0xff]))), 500],
  [
    "a length of 4 GB",
    answer(Buffer.from([0, 0xff, 0xff, 0xff, 0xff, 1])),
    429,
  ],
  [
    "a status of no number",
    answer(framed(Buffer.alloc(0)), { "grpc-status": "x" }),
    500,
  ],
  ["a reset", (stream) => stream.close(constants.NGHTTP2_INTERNAL_ERROR), 500],
  [
    "a reset in mid-answer",
    (stream) => {
      stream.respond(head);
      stream.write(Buffer.from([0, 0, 0]), () =>
        stream.close(constants.NGHTTP2_CANCEL),
      );
    },
    408, // CANCELLED
  ],
  ["the end of its connection", (stream) => stream.session!.destroy(), 503],
];

test("what is no answer fails its call and no other; a message comes again", async () => {
  const plans: ((stream: ServerHttp2Stream) => void)[] = [];
  const good = answer(framed(Buffer.alloc(0)));
  const paths: string[] = [];
  const app = createServer();
  app.on("stream", (stream, headers) => {
    stream.on("error", () => {});
    paths.push(String(headers[":path"]));
    stream.resume().on("end", () => (plans.shift() ?? good)(stream));
  });
  server = app.on("session", (session) => session.on("error", () => {}));
  await new Promise<void>((done) => app.listen(0, "127.0.0.1", done));
  const { port } = app.address() as AddressInfo;
  const sidecar = await startDaprd({
    appPort: port,
    until: "ready",
    args,
    resources: { "a.yaml": orders },
  });
  for (const [what, plan, expected] of broken) {
    plans.push(plan);
    const reply = await invoke(sidecar);
    expect(`${what}: ${reply.status}`).toBe(`${what}: ${expected}`);
    expect(reply.text).toMatch(/"message":"[^"]/);
    const next = await invoke(sidecar);
    expect(`after ${what}: ${next.status}`).toBe(`after ${what}: 200`);

    // A message that is answered so is not taken.
    plans.push(plan);
    paths.length = 0;
    await send(sidecar, what);
    await waitFor(`the order after ${what}`, () => paths.length === 2);
  }
  expect((await sidecar.call("GET", "/v1.0/healthz")).status).toBe(204);
});

const restarts = 50;

(canReadMemory ? test : test.skip)(
  "50 apps one after the other, with calls under way each time, leave nothing behind",
  async () => {
    let taken: string[] = [];
    const start = (port?: number) =>
      startGrpcApp(
        {
          OnInvoke({ request, cancelled }) {
            const { value } = request["data"] as { value: Buffer };
            return value.toString() === "wait"
              ? cancelled.then(() => ({}))
              : { data: { value } };
          },
          OnBindingEvent({ request }) {
            taken.push(String(request["data"]));
            return {};
          },
        },
        port,
      );
    let app = await start();
    const sidecar = await startDaprd({
      appPort: app.port,
      until: "ready",
      args,
      resources: { "a.yaml": orders },
    });
    const files = () => readdirSync(`/proc/${sidecar.pid}/fd`).length;
    const round = async (n: number) => {
      expect((await invoke(sidecar, `round ${n}`)).text).toBe(`round ${n}`);
      await send(sidecar, n);
      await waitFor("the order", () => taken.includes(String(n)));
      const waiting = [1, 2, 3].map(() => invoke(sidecar, "wait"));
      await waitFor(
        "the calls",
        () =>
          app
            .callsOf("OnInvoke")
            .filter(
              ({ request }) =>
                String((request["data"] as { value: Buffer }).value) === "wait",
            ).length === 3,
      );
      await app.close();
      for (const reply of await Promise.all(waiting))
        expect([408, 503]).toContain(reply.status); // called off, or its connection lost
      await send(sidecar, `${n} held`);
      app = await start(app.port);
      await waitFor("what was held", () => taken.includes(`"${n} held"`));
    };
    for (let n = 0; n < 5; n++) await round(n);
    const before = { files: files(), rss: memoryOf(sidecar.pid).rss };
    for (let n = 5; n < restarts; n++) await round(n);
    await waitFor("open files as before", () => files() <= before.files + 2);
    expect(memoryOf(sidecar.pid).rss - before.rss).toBeLessThan(30);
    expect(taken).toHaveLength(2 * restarts);
    expect(new Set(taken).size).toBe(2 * restarts);
    taken = [];
  },
);
