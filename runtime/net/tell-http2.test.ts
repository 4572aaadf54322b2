import { once } from "node:events";
import {
  createServer,
  request,
  type IncomingMessage,
  type RequestListener,
} from "node:http";
import {
  connect as connectHttp2,
  performServerHandshake,
  type ServerHttp2Session,
} from "node:http2";
import { text } from "node:stream/consumers";
import {
  connect,
  createServer as createTlsServer,
  type TLSSocket,
} from "node:tls";
import { tempFolder } from "../../tests/support/temp-folder.ts";
import { makeCertificates } from "../../tests/support/tls.ts";
import { closeServer, listenOn } from "./listen.ts";
import { tellHttp2 } from "./tell-http2.ts";

const { ca, cert, key } = makeCertificates(tempFolder("tell-http2"));

/** A listener with TLS whose connections go where those without TLS go. */
async function listenWithTls() {
  const sessions = new Set<ServerHttp2Session>();
  const answer: RequestListener = ({ httpVersion }, outgoing) =>
    void outgoing.end(httpVersion);
  const http1 = createServer(answer);
  tellHttp2(http1, {
    silentMs: 0,
    serveHttp2(socket) {
      const session = performServerHandshake(socket);
      sessions.add(session);
      session.on("stream", (stream) => {
        stream.respond({ ":status": 200 });
        stream.end("2.0");
      });
    },
  });
  const { servers, port } = await listenOn({
    addresses: ["127.0.0.1"],
    port: 0,
    isFatal: () => true,
    make: () =>
      createTlsServer(
        { cert, key, ALPNProtocols: ["h2", "http/1.1"] },
        (socket) => http1.emit("connection", socket),
      ),
  });
  return {
    port,
    async close() {
      for (const session of sessions) session.close();
      http1.closeAllConnections();
      await Promise.all(servers.map(closeServer));
    },
  };
}

let server: Awaited<ReturnType<typeof listenWithTls>>;
beforeAll(async () => (server = await listenWithTls()));
afterAll(() => server.close());

async function dial(ALPNProtocols: string[]): Promise<TLSSocket> {
  const { port } = server;
  const socket = connect({ port, host: "127.0.0.1", ca, ALPNProtocols });
  await once(socket, "secureConnect");
  return socket;
}

const askHttp2 = async (protocols: string[]): Promise<string> => {
  const socket = await dial(protocols);
  const session = connectHttp2("https://127.0.0.1", {
    createConnection: () => socket,
  });
  const answered = await text(session.request({ ":path": "/" }));
  session.close();
  return `${socket.alpnProtocol || "none"}: ${answered}`;
};

const askHttp1 = async (protocols: string[]): Promise<string> => {
  const socket = await dial(protocols);
  const outgoing = request({ createConnection: () => socket });
  outgoing.end();
  const [incoming] = (await once(outgoing, "response")) as [IncomingMessage];
  return `${socket.alpnProtocol || "none"}: ${await text(incoming)}`;
};

test("connections of TLS are told apart by their first bytes, whether ALPN agreed on a protocol or not", async () => {
  expect(await askHttp2(["h2"])).toBe("h2: 2.0");
  expect(await askHttp1(["http/1.1"])).toBe("http/1.1: 1.1");
  expect(await askHttp1([])).toBe("none: 1.1");
});

test("a client of HTTP/2 without ALPN is served too", async () => {
  const socket = await dial([]);
  expect(socket.alpnProtocol).toBe(false);
  const preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
  const emptySettings = Buffer.from([0, 0, 0, 4, 0, 0, 0, 0, 0]);
  socket.write(Buffer.concat([Buffer.from(preface), emptySettings]));
  const [first] = (await once(socket, "data")) as [Buffer];
  expect(first[3]).toBe(4); // SETTINGS, with which every answer in HTTP/2 begins
  socket.destroy();
});

test("connections without TLS on that port end, and the others go on", async () => {
  await expect(fetch(`http://127.0.0.1:${server.port}/`)).rejects.toThrow();
  expect(await askHttp1([])).toBe("none: 1.1");
});
