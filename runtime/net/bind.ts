/** Takes a port, with the original's patience: one that is taken may be free again after a restart (spec api §6.2). */
import type { Server } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import type { Logger } from "../shared/log.ts";

const patienceMs = 10_000;
const againMs = 100;

/**
 * Rejects with the server's own error, after 10 s of trying if the port is
 * taken; at once when `signal` calls the wait off.
 */
export async function bind(
  server: Server,
  port: number,
  host: string,
  log: Logger,
  signal?: AbortSignal,
): Promise<void> {
  const until = performance.now() + patienceMs;
  for (let warned = false; ; warned = true)
    try {
      return await listenOnce(server, port, host);
    } catch (error) {
      const taken = (error as NodeJS.ErrnoException).code === "EADDRINUSE";
      if (!taken || signal?.aborted || performance.now() >= until) throw error;
      if (!warned)
        log.warn(
          `port ${port} on ${host} is taken; trying for ${patienceMs / 1000} s`,
        );
      await delay(againMs, undefined, { signal }).catch(() => {}); // the next try is the last
    }
}

function listenOnce(server: Server, port: number, host: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const onListening = () => {
      server.removeListener("error", onError);
      resolve();
    };
    // Tried again, a server would gather listeners.
    const onError = (error: Error) => {
      server.removeListener("listening", onListening);
      reject(error);
    };
    server.once("error", onError);
    server.once("listening", onListening);
    server.listen({ port, host, backlog: 2048 });
  });
}
