/** Asks whether what listens on a port is Kafka. */
import { connect } from "node:net";

const answerWithinMs = 5000;
const correlationId = 0x6b_61_66_6b;

/** `ApiVersions` version 0, which every broker since 0.10 answers before any login. */
function apiVersionsRequest(): Buffer {
  const request = Buffer.alloc(14);
  request.writeInt32BE(10, 0); // length of what follows
  request.writeInt16BE(18, 4); // api key
  request.writeInt16BE(0, 6); // its version
  request.writeInt32BE(correlationId, 8);
  request.writeInt16BE(-1, 12); // no client id
  return request;
}

/** `silent`: something listens, but it does not speak Kafka. */
export function probeKafka(
  port: number,
  withinMs = answerWithinMs,
): Promise<"kafka" | "silent" | "nothing"> {
  return new Promise((resolve) => {
    let connected = false;
    let head = Buffer.alloc(0);
    const socket = connect({ port, host: "localhost" });
    const end = (isKafka = false) => {
      clearTimeout(timer);
      socket.destroy();
      resolve(isKafka ? "kafka" : connected ? "silent" : "nothing");
    };
    const timer = setTimeout(() => end(), withinMs);
    socket.on("connect", () => {
      connected = true;
      socket.write(apiVersionsRequest());
    });
    socket.on("data", (chunk) => {
      head = Buffer.concat([head, chunk]);
      // Length, then our own number back.
      if (head.length >= 8) end(head.readInt32BE(4) === correlationId);
    });
    socket.on("error", () => end());
    socket.on("close", () => end());
  });
}
