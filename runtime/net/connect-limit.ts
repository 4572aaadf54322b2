/** A limit for connecting: a name server or a host that never answers would be awaited for minutes. */
import type { Socket } from "node:net";
import type { TLSSocket } from "node:tls";
import { startTimer } from "../shared/timers.ts";

/**
 * Destroys a socket that is not connected within `limitMs`: the name, TCP, and the handshake of a TLSSocket. Its error
 * is one of connecting, as Node's own.
 */
export function limitConnecting(
  socket: Socket | TLSSocket,
  limitMs: number,
): void {
  const timer = startTimer(
    () =>
      socket.destroy(
        Object.assign(new Error(`no connection within ${limitMs / 1000} s`), {
          code: "ETIMEDOUT",
          syscall: "connect",
        }),
      ),
    limitMs,
  );
  const clear = () => clearTimeout(timer);
  socket.once("encrypted" in socket ? "secureConnect" : "connect", clear);
  socket.once("close", clear);
}
