import { createServer, type AddressInfo } from "node:net";
import { waitFor } from "../../tests/wait-for.ts";
import type { Logger } from "../shared/log.ts";
import { bind } from "./bind.ts";

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
  const bound = bind(server, port, "127.0.0.1", log as unknown as Logger);
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
    bind(server, port, "127.0.0.1", log, calledOff.signal),
  ).rejects.toMatchObject({ code: "EADDRINUSE" });
  expect(listen).toHaveBeenCalledTimes(2); // the try and the last one
  await new Promise((done) => other.close(done));
});
