/** The app's own gRPC service: each call gets its own message back. */
import { createServer } from "node:http2";
import type { AddressInfo } from "node:net";

export interface GrpcEcho {
  port: number;
  /** The number of calls since the last time this was asked. */
  echoes(): number;
}

const head = { ":status": 200, "content-type": "application/grpc" };

/** Listens until the process ends. */
export async function listenGrpcEcho(): Promise<GrpcEcho> {
  let echoed = 0;
  const server = createServer();
  server.on("session", (session) => session.on("error", () => {}));
  server.on("stream", (stream) => {
    const chunks: Buffer[] = [];
    // A killed sidecar resets its calls. Lost orders show in the count.
    stream.on("error", () => {});
    stream.on("wantTrailers", () =>
      stream.sendTrailers({ "grpc-status": "0" }),
    );
    stream.on("data", (chunk: Buffer) => chunks.push(chunk));
    stream.on("end", () => {
      if (stream.closed) return;
      echoed++;
      stream.respond(head, { waitForTrailers: true });
      stream.end(chunks.length === 1 ? chunks[0] : Buffer.concat(chunks));
    });
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  return {
    port: (server.address() as AddressInfo).port,
    echoes() {
      const count = echoed;
      echoed = 0;
      return count;
    },
  };
}
