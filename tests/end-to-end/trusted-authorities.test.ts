/** Every client trusts the authorities that the system or the environment names. */
import { execFileSync } from "node:child_process";
import { copyFileSync, mkdirSync, writeFileSync } from "node:fs";
import { createServer } from "node:https";
import {
  createServer as createTcpServer,
  type AddressInfo,
  type Server,
} from "node:net";
import { createServer as createTlsServer, TLSSocket } from "node:tls";
import { join } from "node:path";
import { component } from "../support/component.ts";
import { startDaprd, stopAll } from "../support/daprd.ts";
import { tempFolder } from "../support/temp-folder.ts";
import { hasOpenssl, makeCertificates } from "../support/tls.ts";
import { waitFor } from "../wait-for.ts";

const folder = tempFolder("trust");
const none = {
  SSL_CERT_FILE: undefined,
  SSL_CERT_DIR: undefined,
  NODE_EXTRA_CA_CERTS: undefined,
};
let url: string;
let servers: Server[] = [];
/** The number of clients that sent something after the TLS handshake, and so have accepted the certificate. The server then hangs up. */
let greeted = 0;
let greeter: string;
let postgres: string;

const describeWithOpenssl = hasOpenssl ? describe : describe.skip;

describeWithOpenssl("an authority that the environment names", () => {
  beforeAll(async () => {
    const { ca, cert, key } = makeCertificates(folder);
    writeFileSync(join(folder, "bundle.pem"), `# ours\n${ca}`);
    mkdirSync(join(folder, "dir"));
    writeFileSync(join(folder, "dir", "any-name"), ca);
    const web = createServer({ cert, key }, (request, response) => {
      response.end(request.url);
    }).listen(0, "127.0.0.1");
    const greet = (socket: TLSSocket) => {
      socket.on("error", () => {});
      socket.once("data", () => {
        greeted++;
        socket.destroy();
      });
    };
    const any = createTlsServer({ cert, key }, greet).listen(0, "127.0.0.1");
    // A PostgreSQL client asks for TLS in the clear, and S means yes.
    const asked = createTcpServer((socket) => {
      socket.on("error", () => {});
      socket.once("data", () => {
        socket.write("S");
        greet(new TLSSocket(socket, { isServer: true, cert, key }));
      });
    }).listen(0, "127.0.0.1");
    servers = [web, any, asked];
    await Promise.all(
      servers.map((server) => waitFor("the server", () => server.listening)),
    );
    url = `https://localhost:${(web.address() as AddressInfo).port}`;
    postgres = `host=localhost port=${(asked.address() as AddressInfo).port} user=u password=p dbname=d sslmode=verify-full`;
    greeter = `localhost:${(any.address() as AddressInfo).port}`;
  });
  afterAll(() => {
    for (const server of servers) server.close();
  });
  afterEach(stopAll);

  const start = (env: Record<string, string | undefined>) =>
    startDaprd({
      env: { ...none, ...env },
      resources: {
        "web.yaml": component("web", "bindings.http", { url }),
        "shop.yaml": `apiVersion: dapr.io/v1alpha1
kind: HTTPEndpoint
metadata:
  name: shop
spec:
  baseUrl: ${url}
`,
      },
    });

  const answers = async (env: Record<string, string | undefined>) => {
    const sidecar = await start(env);
    const asked = await Promise.all([
      sidecar.call("POST", "/v1.0/bindings/web", {
        body: JSON.stringify({ operation: "get", metadata: { path: "/one" } }),
      }),
      sidecar.call("GET", "/v1.0/invoke/shop/method/two"),
      sidecar.call("GET", `/v1.0/invoke/${url}/method/three`),
    ]);
    return {
      statuses: asked.map(({ status }) => status),
      texts: asked.map(({ text }) => text),
      output: sidecar.output(),
    };
  };

  test.each([
    ["SSL_CERT_FILE", () => ({ SSL_CERT_FILE: join(folder, "bundle.pem") })],
    [
      "SSL_CERT_DIR",
      () => ({ SSL_CERT_DIR: `/nonexistent:${join(folder, "dir")}` }),
    ],
    [
      "NODE_EXTRA_CA_CERTS",
      () => ({ NODE_EXTRA_CA_CERTS: join(folder, "bundle.pem") }),
    ],
  ])(
    "%s: bindings.http, an HTTPEndpoint and a plain URL trust it",
    async (_, env) => {
      const { statuses, texts } = await answers(env());
      expect(texts).toEqual(["/one", "/two", "/three"]);
      expect(statuses).toEqual([200, 200, 200]);
    },
  );

  test("without it each server is refused, and a missing file is an error in the log", async () => {
    const { statuses, texts, output } = await answers({
      SSL_CERT_FILE: "/nonexistent.pem",
    });
    expect(statuses.every((status) => status >= 500)).toBe(true);
    for (const text of texts) {
      expect(text).toContain("name its authority in SSL_CERT_FILE");
      expect(text).not.toContain("--use-system-ca");
    }
    expect(output).toContain(
      "SSL_CERT_FILE names /nonexistent.pem, but it can't be read (ENOENT)",
    );
  });

  test("a pipe among the files does not hold up the start", async () => {
    const pipes = join(folder, "pipes");
    mkdirSync(pipes);
    const pipe = join(pipes, "a-pipe.pem");
    execFileSync("mkfifo", [pipe]);
    copyFileSync(join(folder, "bundle.pem"), join(pipes, "b.pem"));
    const { texts, output } = await answers({
      SSL_CERT_FILE: pipe,
      SSL_CERT_DIR: pipes,
    });
    expect(texts).toEqual(["/one", "/two", "/three"]);
    expect(output).toContain(
      `SSL_CERT_FILE names ${pipe}, but it can't be read (it is a pipe, not a file)`,
    );
  });

  test.each([
    [
      "bindings.kafka",
      () => ({
        brokers: greeter,
        publishTopic: "t",
        authType: "password",
        saslUsername: "u",
        saslPassword: "p",
        direction: "output",
      }),
    ],
    ["state.postgresql", () => ({ connectionString: postgres })],
    ["state.redis", () => ({ redisHost: greeter, enableTLS: "true" })],
  ])(
    "%s accepts such a server only if SSL_CERT_FILE names its authority",
    async (type, metadata) => {
      const resources = { "a.yaml": component("a", type, metadata()) };
      const before = greeted;
      const wary = await startDaprd({ env: none, resources, until: "nothing" });
      await waitFor("the refusal", () =>
        /first certificate/.test(wary.output()),
      );
      expect(greeted).toBe(before);
      await startDaprd({
        env: { ...none, SSL_CERT_FILE: join(folder, "bundle.pem") },
        resources,
        until: "nothing",
      });
      await waitFor("a handshake", () => greeted > before);
    },
  );
});
