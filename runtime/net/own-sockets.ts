/**
 * The connections that this process opened itself. A caller that makes the
 * sidecar call itself, by any name or address, is no program of this machine.
 */
import { subscribe } from "node:diagnostics_channel";
import type { Socket } from "node:net";

/** The far end of a connection. */
export type Remote = Pick<Socket, "remoteAddress" | "remotePort">;

const own = new Set<string>();
let isWatching = false;

/** Notes all outgoing TCP connections of this process from now on. Called before the first one is opened. */
export function watchOwnSockets(): void {
  if (isWatching) return;
  isWatching = true;
  subscribe("net.client.socket", (message) => {
    const { socket } = message as { socket: Socket };
    // Noted before anything is written, so no request can come in earlier.
    socket.once("connect", () => {
      const { localAddress, localPort } = socket;
      if (localPort === undefined) return; // a Unix socket
      const name = nameOf(localAddress, localPort);
      own.add(name);
      socket.once("close", () => own.delete(name));
    });
  });
}

/** Whether this process is also the far end. */
export const isOwnSocket = ({ remoteAddress, remotePort }: Remote): boolean =>
  own.size > 0 && own.has(nameOf(remoteAddress, remotePort));

/** A server of both families shows IPv4 as `::ffff:127.0.0.1`, and one side may add an interface. */
const nameOf = (address = "", port = 0) =>
  `${address.replace(/^::ffff:/i, "").split("%")[0]} ${port}`;
