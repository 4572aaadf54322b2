import { createServer, type AddressInfo, type Socket } from "node:net";
import { once } from "node:events";
import { probeKafka } from "./kafka-probe.ts";

async function probe(answer: (socket: Socket, request: Buffer) => void) {
  const server = createServer((socket) =>
    socket.on("data", (request) => answer(socket, request)),
  );
  server.listen(0, "localhost");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  try {
    return await probeKafka(port, 300);
  } finally {
    server.close();
  }
}

test("only an answer to our own request is Kafka", async () => {
  const kafka = (socket: Socket, request: Buffer) => {
    // Version 0: our number, no error, no versions.
    socket.write(Buffer.from([0, 0, 0, 10]));
    socket.write(Buffer.concat([request.subarray(8, 12), Buffer.alloc(6)]));
  };
  expect(await probe(kafka)).toBe("kafka");
  expect(await probe((s) => s.end("HTTP/1.1 400 Bad Request\r\n\r\n"))).toBe(
    "silent",
  );
  expect(await probe((s) => s.destroy())).toBe("silent");
  expect(await probe(() => {})).toBe("silent");
});

test("nothing listens", async () => {
  const server = createServer().listen(0, "localhost");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  expect(await probeKafka(port)).toBe("nothing");
});
