/** What a message bus says of a server that is not its own: one of another protocol, one of TLS, one that wants a certificate. */
import { createServer, type AddressInfo, type Server } from "node:net";
import { createServer as createTls } from "node:tls";
import { messageOf } from "../../runtime/shared/message-of.ts";
import { tempFolder } from "../support/temp-folder.ts";
import { makeCertificates } from "../support/tls.ts";
import { waitFor } from "../wait-for.ts";
import { openPubSub } from "./open-component.ts";

const files = makeCertificates(tempFolder("wrong-servers"));
const greeting = (bytes: string) => () =>
  createServer((socket) => {
    socket.on("error", () => {});
    socket.once("data", () => socket.end(bytes));
  });
const banner = "SSH-2.0-OpenSSH_9.6\r\n";
const http =
  "HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain\r\nConnection: close\r\n\r\n400 Bad Request";

const servers = {
  http: greeting(http),
  ssh: () =>
    createServer((socket) => {
      socket.on("error", () => {});
      socket.write(banner);
    }),
  resetting: () =>
    createServer((socket) => {
      socket.on("error", () => {});
      socket.once("data", () => socket.resetAndDestroy());
    }),
  tls: () => createTls({ cert: files.cert, key: files.key }, () => {}),
  mutual: () =>
    createTls(
      {
        cert: files.cert,
        key: files.key,
        ca: files.ca,
        requestCert: true,
        rejectUnauthorized: true,
      },
      () => {},
    ),
} satisfies Record<string, () => Server>;

const open: Server[] = [];
afterEach(() => open.splice(0).forEach((one) => one.close()));

const buses = {
  "pubsub.redis": (port: number, tls: boolean) => ({
    redisHost: `127.0.0.1:${port}`,
    ...(tls && { enableTLS: "true", insecureSkipTLSVerify: "true" }),
  }),
  "pubsub.rabbitmq": (port: number, tls: boolean) => ({
    connectionString: `amqp${tls ? "s" : ""}://127.0.0.1:${port}`,
    ...(tls && { caCert: files.ca }),
  }),
  "pubsub.mqtt3": (port: number, tls: boolean) => ({
    url: `mqtt${tls ? "s" : ""}://127.0.0.1:${port}`,
    ...(tls && { caCert: files.ca }),
  }),
};

async function told(type: keyof typeof buses, kind: keyof typeof servers) {
  const server = servers[kind]();
  open.push(server);
  server.on("tlsClientError", () => {});
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  const { port } = server.address() as AddressInfo;
  const log: string[] = [];
  await openPubSub(type, {
    metadata: buses[type](port, kind === "mutual"),
    log,
  }).catch((error) => log.push(`refused ${messageOf(error)}`));
  await waitFor("a word", () => log.some((one) => /warn|refused/.test(one)));
  return log;
}

const types = Object.keys(buses) as (keyof typeof buses)[];
const useTls = {
  "pubsub.redis": "set enableTLS",
  "pubsub.rabbitmq": "say amqps in connectionString or protocol",
  "pubsub.mqtt3": "write mqtts:// in the url",
};

describe.each(types)("%s", (type) => {
  test.each(["http", "ssh"] as const)(
    "a server of another protocol, %s, is named as such",
    async (kind) => {
      expect((await told(type, kind)).at(-1)).toMatch(
        /can't be reached: what listens there answers in another protocol; name .*; trying until it can$/,
      );
    },
  );

  test.each(["tls", "resetting"] as const)(
    "one that ends what is no TLS, %s: how to speak TLS is told",
    async (kind) => {
      expect((await told(type, kind)).at(-1)).toMatch(
        new RegExp(`; if it speaks TLS only, ${useTls[type]}; trying until`),
      );
    },
  );

  test("one that asks for a certificate: where it goes is told, in one line", async () => {
    const line = (await told(type, "mutual")).at(-1);
    expect(line).toMatch(
      /the server ends the TLS handshake \(certificate required\); if it asks for a certificate, set clientCert and clientKey/,
    );
    expect(line).not.toMatch(/\n|openssl/);
  });
});
