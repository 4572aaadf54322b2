/** Many connections at a time, and when they are cut. */
import type { Socket } from "node:net";
import { waitFor } from "../wait-for.ts";
import { openConnection } from "./http.ts";

const opened: Socket[] = [];

/** Opens connections that send `bytes` and stay open, a hundred at a time. */
export async function openConnections(
  count: number,
  port: number,
  bytes = "",
): Promise<Socket[]> {
  const sockets: Socket[] = [];
  while (sockets.length < count)
    sockets.push(
      ...(await Promise.all(
        Array.from({ length: Math.min(100, count - sockets.length) }, () =>
          openConnection(port, bytes),
        ),
      )),
    );
  opened.push(...sockets);
  return sockets;
}

/** For afterEach: closes every connection that a test left. */
export function closeConnections(): void {
  for (const socket of opened.splice(0)) socket.destroy();
}

/** Reads from connections that are to be cut. `all` resolves with the time of the first cut, on the clock of `performance.now()`. */
export function watchCuts(sockets: Socket[]): { all(): Promise<number> } {
  let cut = 0;
  let firstAt = 0;
  for (const socket of sockets) {
    socket.resume();
    socket.once("close", () => {
      cut++;
      firstAt ||= performance.now();
    });
  }
  return {
    all: async () => {
      await waitFor("all of them to be cut", () => cut === sockets.length);
      return firstAt;
    },
  };
}
