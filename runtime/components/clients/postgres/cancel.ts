/** Asks PostgreSQL to cancel the statement of a connection. */
import { connect } from "node:net";
import type { PostgresServer } from "./settings.ts";

/** How the server knows a connection; told when it starts. */
export interface BackendKey {
  processID: number;
  secretKey: number;
}

/** https://www.postgresql.org/docs/current/protocol-message-formats.html: CancelRequest. */
const cancelCode = 80_877_102;

/**
 * Sends a cancel request over a connection of its own; a pooler passes it on.
 * It has no answer: the statement fails, or was done already. If the request
 * can't be sent the server is away, and the statement will fail of that.
 */
export function cancelStatement(
  { host, port }: PostgresServer,
  { processID, secretKey }: BackendKey,
  forMs: number,
): void {
  const message = Buffer.alloc(16);
  message.writeInt32BE(message.length, 0);
  message.writeInt32BE(cancelCode, 4);
  message.writeInt32BE(processID, 8);
  message.writeInt32BE(secretKey, 12);
  const socket = host.startsWith("/")
    ? connect(`${host}/.s.PGSQL.${port}`)
    : connect(port, host);
  socket.unref();
  socket.setTimeout(forMs, () => socket.destroy());
  socket.on("error", () => socket.destroy());
  // The server closes the connection once it has passed the request on. A pooler drops the request if we close first.
  socket.on("connect", () => socket.write(message)).resume();
}
