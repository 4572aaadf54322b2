/** Invocation of an app that speaks HTTP/2 without TLS, or TLS (docs/protocol/app.md). */
import { execFileSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { request, type IncomingMessage, type ServerResponse } from "node:http";
import { createServer as createHttp2Server } from "node:http2";
import { createServer as createHttpsServer } from "node:https";
import type { AddressInfo, Server } from "node:net";
import { join } from "node:path";
import { Readable, type Writable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { startDaprd, stopAll } from "../support/daprd.ts";
import { canReadMemory, memoryOf } from "../support/memory.ts";
import { tempFolder } from "../support/temp-folder.ts";
import { waitFor } from "../wait-for.ts";

const folder = tempFolder("daprd-tls");

/** A self-signed certificate, which the app channel accepts. */
function certificate() {
  const [key, cert] = [join(folder, "key.pem"), join(folder, "cert.pem")];
  execFileSync(
    "openssl",
    `req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 1 -subj /CN=app -keyout ${key} -out ${cert}`.split(
      " ",
    ),
    { stdio: "ignore" },
  );
  return { key: readFileSync(key), cert: readFileSync(cert) };
}

let server: Server;
afterEach(async () => {
  await stopAll();
  await new Promise((done) => server.close(done));
});

const piece = Buffer.alloc(64 * 1024);
/** A body of 200 MB. */
const pieces = () =>
  Readable.from(
    (function* () {
      for (let i = 0; i < 3200; i++) yield piece;
    })(),
  );

/** The number of callers that wait at /wait. */
let waiting = 0;
function answer(incoming: IncomingMessage, outgoing: ServerResponse) {
  if (incoming.url === "/echo") return void incoming.pipe(outgoing);
  if (incoming.url === "/wait") {
    waiting++;
    return void outgoing.on("close", () => waiting--);
  }
  if (incoming.url === "/die") {
    outgoing.write("half");
    return void setImmediate(() => outgoing.destroy(new Error("died")));
  }
  if (incoming.url === "/gb") return void pipeline(pieces(), outgoing);
  if (incoming.url === "/sink")
    return void incoming.resume().on("end", () => outgoing.end("all"));
  incoming.resume();
  outgoing.writeHead(201, { "set-cookie": ["a=1", "b=2"] });
  outgoing.end(
    JSON.stringify([incoming.method, incoming.url, incoming.headers]),
  );
}

async function start(protocol: string) {
  // The compatibility layer of node:http2 calls the same handler.
  server =
    protocol === "h2c"
      ? createHttp2Server(answer as never).on("sessionError", () => {})
      : createHttpsServer(certificate(), answer);
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  return startDaprd({
    appPort: (server.address() as AddressInfo).port,
    until: "ready",
    env: { APP_API_TOKEN: "secret" },
    args: [`--app-protocol=${protocol}`],
  });
}

test.each(["h2c", "https"])(
  "an app over %s can be called",
  async (protocol) => {
    const sidecar = await start(protocol);
    const headers = { "dapr-app-id": "testapp", "x-one": "1", te: "x" };
    const reply = await sidecar.call("PUT", "/a%20b?c", {
      headers,
      body: "hi",
    });
    expect(reply.status).toBe(201);
    expect(reply.headers["set-cookie"]).toEqual(["a=1", "b=2"]);
    expect(reply.json()).toMatchObject([
      "PUT",
      "/a%20b?c",
      { "x-one": "1", "dapr-api-token": "secret", "content-length": "2" },
    ]);
    expect((reply.json() as object[])[2]).not.toHaveProperty("connection");

    const big = randomBytes(3 * 1024 * 1024).toString("base64");
    expect(
      (await sidecar.call("POST", "/echo", { headers, body: big })).text,
    ).toBe(big);
    await expect(sidecar.call("GET", "/die", { headers })).rejects.toThrow(
      /aborted|hang up|ECONNRESET/,
    );

    const impatient = request({ port: sidecar.port, path: "/wait", headers });
    impatient.on("error", () => {}).end(); // ECONNRESET, since it leaves
    await waitFor("the app to be asked", () => waiting > 0);
    impatient.destroy();
    await waitFor("the app to be let go", () => waiting === 0);
    expect((await sidecar.call("GET", "/a", { headers })).status).toBe(201);
  },
);

test.each(["h2c", "https"])(
  "200 MB over %s do not grow the sidecar's memory",
  async (protocol) => {
    const sidecar = await start(protocol);
    /** Resolves with how much the sidecar grew at most, in MB. */
    const send = async (path: string, body?: Readable) => {
      await sidecar.call("GET", "/a", {
        headers: { "dapr-app-id": "testapp" },
      });
      const before = canReadMemory ? memoryOf(sidecar.pid).peak : 0;
      const outgoing = request({
        port: sidecar.port,
        path,
        method: body ? "POST" : "GET",
        headers: { "dapr-app-id": "testapp" },
      });
      const answered = new Promise<IncomingMessage>((resolve, reject) =>
        outgoing.once("response", resolve).once("error", reject),
      );
      if (body) await pipeline(body, outgoing as Writable);
      else outgoing.end();
      let size = 0;
      for await (const part of await answered) size += (part as Buffer).length;
      const after = canReadMemory ? memoryOf(sidecar.pid).peak : 0;
      return { size, grown: after - before };
    };
    const down = await send("/gb");
    expect(down.size).toBe(3200 * piece.length);
    expect(down.grown).toBeLessThan(40);
    const up = await send("/sink", pieces());
    expect(up.size).toBe(3);
    expect(up.grown).toBeLessThan(40);
  },
);
