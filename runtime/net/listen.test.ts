import { createServer, type AddressInfo, type Server } from "node:net";
import { waitFor } from "../../tests/wait-for.ts";
import type { Logger } from "../shared/log.ts";
import { listenOn, type ListenOnOptions } from "./listen.ts";

const isFatal = () => true;
const one = (
  server: Server,
  port: number,
  wait: ListenOnOptions<Server>["wait"],
) =>
  listenOn({
    addresses: ["127.0.0.1"],
    port,
    make: () => server,
    isFatal,
    wait,
  });

test("a taken port is tried until it is free, told once, and leaves nothing behind", async () => {
  const other = createServer();
  await new Promise<void>((done) => other.listen(0, "127.0.0.1", done));
  const { port } = other.address() as AddressInfo;
  const server = createServer();
  let mostListeners = 0;
  const warned: string[] = [];
  const log = { warn: (text: string) => warned.push(text) };
  let tries = 0;
  server.on("error", () => {
    tries++;
    mostListeners = Math.max(mostListeners, server.listenerCount("listening"));
  });
  const bound = one(server, port, { log: log as unknown as Logger });
  await waitFor("three tries", () => tries >= 3);
  await new Promise((done) => other.close(done));
  await bound;
  expect(warned).toEqual([
    `port ${port} on 127.0.0.1 is taken; trying for 10 s`,
  ]);
  expect(server.listening).toBe(true);
  expect(mostListeners).toBeLessThanOrEqual(1);
  await new Promise((done) => server.close(done));
});

test("the wait for a taken port ends at once when it is called off", async () => {
  const other = createServer();
  await new Promise<void>((done) => other.listen(0, "127.0.0.1", done));
  const { port } = other.address() as AddressInfo;
  const calledOff = new AbortController();
  const log = {
    warn: () => setImmediate(() => calledOff.abort()),
  } as unknown as Logger;
  const server = createServer();
  const listen = jest.spyOn(server, "listen");
  await expect(
    one(server, port, { log, signal: calledOff.signal }),
  ).rejects.toMatchObject({ code: "EADDRINUSE" });
  expect(listen).toHaveBeenCalledTimes(2); // the try and the last one
  await new Promise((done) => other.close(done));
});

test("all addresses of both families are listened on, on one port", async () => {
  const { port, servers, addresses, failures } = await listenOn({
    addresses: ["0.0.0.0", "::"],
    port: 0,
    make: () => createServer(),
    isFatal: () => false,
  });
  // A machine without IPv6 has one of them.
  expect(addresses).toEqual(
    failures.length > 0 ? ["0.0.0.0"] : ["0.0.0.0", "::"],
  );
  for (const server of servers)
    expect((server.address() as AddressInfo).port).toBe(port);
  await Promise.all(
    servers.map((server) => new Promise((done) => server.close(done))),
  );
});

test("after a fatal error nothing is listened on any more", async () => {
  const other = createServer();
  await new Promise<void>((done) => other.listen(0, "127.0.0.1", done));
  const { port } = other.address() as AddressInfo;
  const made: Server[] = [];
  await expect(
    listenOn({
      addresses: ["127.0.0.2", "127.0.0.1"],
      port,
      make() {
        const server = createServer();
        made.push(server);
        return server;
      },
      isFatal,
    }),
  ).rejects.toMatchObject({ name: "ListenError", code: "EADDRINUSE" });
  expect(made.map((server) => server.listening)).toEqual([false, false]);
  await new Promise((done) => other.close(done));
});

test("an address that is listened on by another name, or with all others, is served already", async () => {
  const { servers } = await listenOn({
    addresses: ["127.0.0.1", "localhost", "127.0.0.1", "0.0.0.0"],
    port: 0,
    make: () => createServer(),
    isFatal,
  });
  expect(
    servers.map((server) => (server.address() as AddressInfo).address),
  ).toEqual(expect.arrayContaining(["0.0.0.0"]));
  expect(servers.length).toBeLessThanOrEqual(2); // localhost may be ::1
  await Promise.all(
    servers.map((server) => new Promise((done) => server.close(done))),
  );
});
