/** Which port is for other sidecars. */
import { createHash } from "node:crypto";
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import { hostname, userInfo } from "node:os";
import { messageOf } from "../errors.ts";

const firstPort = 47_300;

/**
 * The port an app has as long as it is free (spec cli: the original's "stable"
 * port): by app, folder, user and machine, so that a restart finds the same.
 */
export function usualPort(appId: string): number {
  const hash = createHash("sha256")
    .update([appId, process.cwd(), userId(), hostname()].join("|"))
    .digest();
  return firstPort + hash[0]! + (hash[1]! >> 5) * 256;
}

function userId(): number {
  try {
    return userInfo().uid;
  } catch {
    return process.getuid?.() ?? -1; // a container's user need not have a name
  }
}

export interface PortOptions {
  addresses: readonly string[];
  /** 0 = the usual one, or any if that is taken. */
  port: number;
  appId: string;
}

/** Listens on every address with a server of its own, all on one port. Rejects when that can't be. */
export async function listenOn(
  { addresses, port, appId }: PortOptions,
  make: () => Server,
  servers: Server[],
): Promise<number> {
  const tries = port > 0 ? [port] : [usualPort(appId), 0];
  for (const wanted of tries) {
    let bound = wanted;
    try {
      for (const host of addresses) {
        const server = make();
        await listenOnce(server, bound, host);
        servers.push(server);
        bound = (server.address() as AddressInfo).port;
      }
      return bound;
    } catch (error) {
      for (const server of servers.splice(0)) server.close();
      const isTaken = (error as NodeJS.ErrnoException).code === "EADDRINUSE";
      if (isTaken && wanted !== tries.at(-1)) continue;
      throw new Error(
        `could not listen on port ${wanted} for other sidecars: ${messageOf(error)}; give another --dapr-internal-grpc-port, or 0 for any`,
        { cause: error },
      );
    }
  }
  throw new Error("no address to listen on for other sidecars");
}

function listenOnce(server: Server, port: number, host: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen({ port, host, backlog: 2048 }, () => {
      server.removeListener("error", reject);
      resolve();
    });
  });
}
