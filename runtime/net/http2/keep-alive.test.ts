import { once } from "node:events";
import {
  connect,
  createServer,
  type ClientHttp2Session,
  type Http2Server,
  type ServerHttp2Session,
} from "node:http2";
import { connect as connectTcp, createServer as listenTcp } from "node:net";
import type { AddressInfo, Server, Socket } from "node:net";
import { keepAlive } from "./keep-alive.ts";

let server: Http2Server;
let wire: Server;
let session: ClientHttp2Session;
let socket: Socket;
const near: Socket[] = [];
const fars: Socket[] = [];
const others: ServerHttp2Session[] = [];
beforeEach(async () => {
  others.length = 0;
  server = createServer().listen(0, "127.0.0.1");
  server.on("session", (other) => {
    others.push(other);
    other.on("error", () => {});
  });
  await once(server, "listening");
  wire = listenTcp((socket) => {
    const { port } = server.address() as AddressInfo;
    const far = connectTcp(port, "127.0.0.1");
    for (const one of [socket, far]) one.on("error", () => {});
    near.push(socket);
    fars.push(far);
    socket.pipe(far).pipe(socket);
  }).listen(0, "127.0.0.1");
  await once(wire, "listening");
  const { port } = wire.address() as AddressInfo;
  socket = connectTcp(port, "127.0.0.1");
  session = connect("http://127.0.0.1", { createConnection: () => socket });
  await once(session, "remoteSettings");
});
afterEach(() => {
  session.destroy();
  for (const one of [...near.splice(0), ...fars.splice(0)]) one.destroy();
  server.close();
  wire.close();
});

const times = { everyMs: 10, answerMs: 5000, idleMs: 5000 };

test("a connection with a call is pinged, and stays", async () => {
  let pings = 0;
  await new Promise<void>((resolve) => {
    for (const other of others)
      other.on("ping", () => {
        if (++pings === 5) resolve();
      });
    keepAlive(session, socket, () => true, { ...times, idleMs: 0 });
  });
  expect(session.closed).toBe(false);
});

test("where pings are unwelcome, a busy one gets none, and an idle one is closed", async () => {
  let isBusy = true;
  let pings = 0;
  for (const other of others) other.on("ping", () => pings++);
  keepAlive(session, socket, () => isBusy, {
    ...times,
    idleMs: 0,
    pings: false,
  });
  await new Promise((resolve) => setTimeout(resolve, 5 * times.everyMs));
  expect(session.closed).toBe(false);
  isBusy = false;
  await new Promise((resolve) => session.on("close", resolve));
  expect(pings).toBe(0);
});

test("one whose other end says nothing any more is ended, with the reason", async () => {
  keepAlive(session, socket, () => true, { ...times, answerMs: 50 });
  near[0]!.unpipe().pause();
  const [error] = (await once(session, "error")) as [Error];
  expect(error.message).toBe("no answer to a ping");
  expect(socket.destroyed).toBe(true);
});

test("one that pings are called off for is ended as if there were no answer", async () => {
  jest.spyOn(session, "ping").mockImplementation((...[answered]: unknown[]) => {
    (answered as (error: Error) => void)(new Error("ping cancelled"));
    return true;
  });
  keepAlive(session, socket, () => true, { ...times, answerMs: 50 });
  const [error] = (await once(session, "error")) as [Error];
  expect(error.message).toBe("no answer to a ping");
});

test("one that said goodbye and has no call is ended", async () => {
  near[0]!.unpipe().pause();
  // As Node may: closed, with no stream, and for ever.
  Object.defineProperty(session, "closed", { value: true });
  keepAlive(session, socket, () => false, { ...times, answerMs: 50 });
  const [error] = (await once(session, "error")) as [Error];
  expect(error.message).toBe("no answer to a goodbye");
});

test("an idle one is closed after its time, and not pinged", async () => {
  near[0]!.unpipe().pause();
  keepAlive(session, socket, () => false, {
    ...times,
    answerMs: 1,
    idleMs: 100,
  });
  await new Promise((resolve) => session.on("close", resolve));
  expect(session.closed).toBe(true);
});
