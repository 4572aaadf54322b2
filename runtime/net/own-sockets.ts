/**
 * The connections that this process opened itself. Whoever makes the sidecar
 * call itself, by whatever name or address, is not "a program of this machine".
 */
import { subscribe } from "node:diagnostics_channel";
import type { Socket } from "node:net";

/** The far end of a connection. */
export type Remote = Pick<Socket, "remoteAddress" | "remotePort">;

const own = new Set<string>();
let isWatching = false;

/** From now on outgoing TCP connections of this process are known. Called before the first is opened. */
export function watchOwnSockets(): void {
  if (isWatching) return;
  isWatching = true;
  subscribe("net.client.socket", (message) => {
    const { socket } = message as { socket: Socket };
    // Before anything is written: a request can't come in earlier.
    socket.once("connect", () => {
      const { localAddress, localPort } = socket;
      if (localPort === undefined) return; // a Unix socket
      const name = nameOf(localAddress, localPort);
      own.add(name);
      socket.once("close", () => own.delete(name));
    });
  });
}

/** Whether this process is the far end too. */
export const isOwnSocket = ({ remoteAddress, remotePort }: Remote): boolean =>
  own.size > 0 && own.has(nameOf(remoteAddress, remotePort));

/** A server of both families tells IPv4 as `::ffff:127.0.0.1`; one side may name an interface. */
const nameOf = (address = "", port = 0) =>
  `${address.replace(/^::ffff:/i, "").split("%")[0]} ${port}`;
