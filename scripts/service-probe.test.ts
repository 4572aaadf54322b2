import { createServer, type AddressInfo, type Socket } from "node:net";
import { once } from "node:events";
import { probeKafka, probeRedis } from "./service-probe.ts";

async function probe(
  answer: (socket: Socket, request: Buffer) => void,
  ask = probeKafka,
  withinMs = 60_000,
) {
  const server = createServer((socket) =>
    socket.on("data", (request) => answer(socket, request)),
  );
  server.listen(0, "localhost");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  try {
    return await ask(port, withinMs);
  } finally {
    server.close();
  }
}

test("only a server that answers our own request is taken for Kafka", async () => {
  const kafka = (socket: Socket, request: Buffer) => {
    // An answer of version 0: our correlation ID, no error, no versions.
    socket.write(Buffer.from([0, 0, 0, 10]));
    socket.write(Buffer.concat([request.subarray(8, 12), Buffer.alloc(6)]));
  };
  expect(await probe(kafka)).toBe("found");
  expect(await probe((s) => s.end("HTTP/1.1 400 Bad Request\r\n\r\n"))).toBe(
    "silent",
  );
  expect(await probe((s) => s.destroy())).toBe("silent");
  expect(await probe(() => {}, probeKafka, 300)).toBe("silent");
});

test("Redis is recognised by its answer to PING, also when it requires a password", async () => {
  const answers = (text: string, withinMs?: number) =>
    probe((socket) => socket.write(text), probeRedis, withinMs);
  expect(await answers("+PONG\r\n")).toBe("found");
  expect(await answers("-NOAUTH Authentication required.\r\n")).toBe("found");
  expect(await answers("-ERR unknown command\r\n")).toBe("silent");
  expect(await answers("+PONG", 300)).toBe("silent");
});

test("a port on which nothing listens is reported as such", async () => {
  const server = createServer().listen(0, "localhost");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  expect(await probeKafka(port)).toBe("nothing");
});
