/** Finds out whether the server on a port is a Kafka or a Redis. */
import { connect } from "node:net";

const answerWithinMs = 5000;

/** `silent`: something listens, but it does not speak the protocol. */
export type ProbeResult = "found" | "silent" | "nothing";

const correlationId = 0x6b_61_66_6b;

/** Kafka's `ApiVersions` version 0, which every broker since 0.10 answers before any login. */
function apiVersionsRequest(): Buffer {
  const request = Buffer.alloc(14);
  request.writeInt32BE(10, 0); // length of what follows
  request.writeInt16BE(18, 4); // api key
  request.writeInt16BE(0, 6); // its version
  request.writeInt32BE(correlationId, 8);
  request.writeInt16BE(-1, 12); // no client id
  return request;
}

export const probeKafka = (port: number, withinMs?: number) =>
  probe(port, apiVersionsRequest(), withinMs, (head) =>
    // The length, then our own correlation ID.
    head.length < 8 ? undefined : head.readInt32BE(4) === correlationId,
  );

/** A Redis that requires a password answers PING with NOAUTH. It counts too. */
export const probeRedis = (port: number, withinMs?: number) =>
  probe(port, Buffer.from("PING\r\n"), withinMs, (head) =>
    head.includes("\r\n")
      ? /^(\+PONG|-NOAUTH)/.test(head.toString())
      : undefined,
  );

/** `isAnswer` returns `undefined` while too few bytes have come to decide. */
function probe(
  port: number,
  request: Buffer,
  withinMs = answerWithinMs,
  isAnswer: (head: Buffer) => boolean | undefined,
): Promise<ProbeResult> {
  return new Promise((resolve) => {
    let connected = false;
    let head = Buffer.alloc(0);
    const socket = connect({ port, host: "localhost" });
    const end = (found = false) => {
      clearTimeout(timer);
      socket.destroy();
      resolve(found ? "found" : connected ? "silent" : "nothing");
    };
    const timer = setTimeout(() => end(), withinMs);
    socket.on("connect", () => {
      connected = true;
      socket.write(request);
    });
    socket.on("data", (chunk) => {
      head = Buffer.concat([head, chunk]);
      const found = isAnswer(head);
      if (found !== undefined) end(found);
    });
    socket.on("error", () => end());
    socket.on("close", () => end());
  });
}
