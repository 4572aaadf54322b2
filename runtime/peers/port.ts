/** Which port is for other sidecars. */
import { createHash } from "node:crypto";
import type { Server } from "node:http";
import type { AddressInfo, ListenOptions } from "node:net";
import { hostname, userInfo } from "node:os";
import { withPort } from "../shared/addresses.ts";
import { messageOf } from "../shared/message-of.ts";

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
  /** One that can't be used here is passed over, if another can. */
  addresses: readonly string[];
  /** 0 = the usual one, or any if that is taken. */
  port: number;
  appId: string;
}

export interface Listening {
  port: number;
  /** Those that are listened on, one at least. */
  addresses: string[];
  /** Why others are not. */
  failures: string[];
}

/** Listens on every address with a server of its own, all on one port. Rejects when that can't be. */
export async function listenOn(
  { addresses, port, appId }: PortOptions,
  make: () => Server,
  servers: Server[],
): Promise<Listening> {
  const tries = port > 0 ? [port] : [usualPort(appId), 0];
  for (const wanted of tries)
    try {
      return await listenAll(addresses, wanted, make, servers);
    } catch (error) {
      for (const server of servers.splice(0)) server.close();
      const { code } = error as NodeJS.ErrnoException;
      if (code === "EADDRINUSE" && wanted !== tries.at(-1)) continue;
      const advice = unusable.has(code)
        ? "give another --dapr-internal-grpc-listen-address"
        : "give another --dapr-internal-grpc-port, or 0 for any";
      throw new Error(
        `could not listen on ${addresses.map((address) => withPort(address, wanted)).join(", ")} for other sidecars: ${messageOf(error)}; ${advice}`,
        { cause: error },
      );
    }
  throw new Error("no address to listen on for other sidecars");
}

/** What says of an address, not of a port, that it is none of this machine's. */
const unusable: ReadonlySet<string | undefined> = new Set([
  "EADDRNOTAVAIL",
  "EAFNOSUPPORT",
  "EINVAL",
  "ENOTFOUND",
  "EAI_AGAIN",
]);

async function listenAll(
  addresses: readonly string[],
  port: number,
  make: () => Server,
  servers: Server[],
): Promise<Listening> {
  const listening: Listening = { port, addresses: [], failures: [] };
  let problem: unknown = new Error("there is no address");
  for (const host of addresses) {
    const server = make();
    try {
      // Of several addresses `::` would take the port of the others too.
      const ipv6Only = addresses.length > 1;
      await listenOnce(server, { port: listening.port, host, ipv6Only });
    } catch (error) {
      if (!unusable.has((error as NodeJS.ErrnoException).code)) throw error;
      problem = error;
      listening.failures.push(messageOf(error));
      continue;
    }
    servers.push(server);
    listening.port = (server.address() as AddressInfo).port;
    listening.addresses.push(host);
  }
  if (servers.length === 0) throw problem;
  return listening;
}

function listenOnce(server: Server, options: ListenOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen({ ...options, backlog: 2048 }, () => {
      server.removeListener("error", reject);
      resolve();
    });
  });
}
