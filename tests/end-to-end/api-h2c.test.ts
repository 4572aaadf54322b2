/** HTTP/2 without TLS on the HTTP port (docs/protocol/http-api.md). */
import { connect, type ClientHttp2Session } from "node:http2";
import { networkInterfaces } from "node:os";
import { startDaprd, stopAll } from "../support/daprd.ts";
import { embedded, order } from "../support/embedded.ts";

let session: ClientHttp2Session | undefined;
afterEach(async () => {
  session?.destroy();
  await stopAll();
});

const open = (port: number, host = "127.0.0.1") => {
  session = connect(`http://${host}:${port}`);
  session.on("error", () => {}); // each request reports its error
  return session;
};

interface Answer {
  status: number;
  headers: Record<string, unknown>;
  text: string;
}

function ask(
  from: ClientHttp2Session,
  method: string,
  path: string,
  body?: string,
  headers: Record<string, string> = {},
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const stream = from.request({
      ":method": method,
      ":path": path,
      ...headers,
    });
    const answer: Answer = { status: 0, headers: {}, text: "" };
    stream.on("response", (got) => {
      answer.status = got[":status"]!;
      answer.headers = got;
    });
    stream
      .setEncoding("utf8")
      .on("data", (text: string) => (answer.text += text));
    stream.on("error", (error) =>
      answer.status ? resolve(answer) : reject(error),
    );
    stream.on("end", () => resolve(answer));
    stream.end(body);
  });
}

test("one connection serves many requests at once, as HTTP/1.1 does", async () => {
  const sidecar = await startDaprd({ resources: { "a.yaml": embedded() } });
  const from = open(sidecar.port);
  const traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
  const stored = await Promise.all(
    Array.from({ length: 50 }, (_, n) =>
      ask(from, "POST", "/v1.0/bindings/orders", order(n), { traceparent }),
    ),
  );
  expect(stored.map(({ status }) => status)).toEqual(Array(50).fill(204));
  expect(stored[0]!.headers).toMatchObject({ traceparent });
  const unknown = await ask(from, "POST", "/v1.0/bindings/other", order(1));
  expect(unknown.status).toBe(500);
  expect(JSON.parse(unknown.text)).toMatchObject({
    errorCode: "ERR_INVOKE_OUTPUT_BINDING",
  });
  const huge = await ask(
    from,
    "POST",
    "/v1.0/bindings/orders",
    "x".repeat(5_000_000),
  );
  expect(huge.status).toBe(400);
  expect(huge.text).toContain("stream too large");
  expect((await ask(from, "GET", "/v1.0/metadata")).status).toBe(200);
  expect((await sidecar.stop()).code).toBe(0);
});

test("an open connection does not delay the shutdown", async () => {
  const sidecar = await startDaprd();
  const reply = await ask(open(sidecar.port), "GET", "/v1.0/healthz/outbound");
  expect(reply.status).toBe(204);
  expect((await sidecar.stop()).code).toBe(0);
});

test("Host and token are checked as over HTTP/1.1", async () => {
  const sidecar = await startDaprd({ env: { DAPR_API_TOKEN: "secret" } });
  const from = open(sidecar.port);
  const get = (headers: Record<string, string>) =>
    ask(from, "GET", "/v1.0/metadata", undefined, headers);
  expect((await get({})).status).toBe(401);
  expect((await get({ "dapr-api-token": "secret" })).status).toBe(200);
  for (const headers of [
    { ":authority": "evil.com" },
    { ":authority": "localhost", host: "evil.com" },
    { ":authority": "evil.com", host: "localhost" },
    { origin: "https://evil.com" },
  ] as Record<string, string>[])
    expect((await get({ "dapr-api-token": "secret", ...headers })).status).toBe(
      403,
    );
});

const outside = Object.values(networkInterfaces())
  .flat()
  .find((address) => address?.family === "IPv4" && !address.internal)?.address;

(outside ? test : test.skip)(
  "a remote caller cannot shut the sidecar down this way either",
  async () => {
    const sidecar = await startDaprd({
      args: ["--dapr-listen-addresses=0.0.0.0"],
    });
    const reply = await ask(
      open(sidecar.port, outside),
      "POST",
      "/v1.0/shutdown",
    );
    expect(reply.status).toBe(403);
    expect((await sidecar.call("GET", "/v1.0/healthz")).status).toBe(204);
  },
);

test("DAPR_HTTP_DISABLE_H2C turns it off", async () => {
  const sidecar = await startDaprd({ env: { DAPR_HTTP_DISABLE_H2C: "yes" } });
  await expect(
    ask(open(sidecar.port), "GET", "/v1.0/metadata"),
  ).rejects.toThrow();
});
