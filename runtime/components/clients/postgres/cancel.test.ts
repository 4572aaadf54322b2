import { once } from "node:events";
import { createServer, type AddressInfo, type Socket } from "node:net";
import { cancelStatement } from "./cancel.ts";
import type { PostgresServer } from "./settings.ts";

const opened: { destroy(): void }[] = [];
afterEach(() => {
  for (const one of opened.splice(0)) one.destroy();
});

async function accept(forMs: number) {
  const server = createServer({ allowHalfOpen: true }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const at = { host: "127.0.0.1", port } as PostgresServer;
  cancelStatement(at, { processID: 4711, secretKey: -2 }, forMs);
  const [socket] = (await once(server, "connection")) as [Socket];
  opened.push(socket, { destroy: () => void server.close() });
  let received = Buffer.alloc(0);
  while (received.length < 16) {
    const [chunk] = (await once(socket, "data")) as [Buffer];
    received = Buffer.concat([received, chunk]);
  }
  return { socket, received };
}

test("a cancel request is PostgreSQL's, and its connection stays until the server closes it", async () => {
  const { socket, received } = await accept(60_000);
  expect(received.toString("hex")).toBe(
    "00000010" + "04d2162e" + "00001267" + "fffffffe",
  );
  let hasEnded = false;
  socket.on("end", () => (hasEnded = true));
  // A pooler passes it on meanwhile, and drops it when the asker is gone.
  for (let turn = 0; turn < 50; turn++) await new Promise(setImmediate);
  expect(hasEnded).toBe(false);
  socket.end();
  await once(socket, "close");
  expect(hasEnded).toBe(true);
});

test("a server that never closes it is not waited for", async () => {
  const { socket } = await accept(50);
  socket.on("error", () => {});
  await once(socket, "end");
});
