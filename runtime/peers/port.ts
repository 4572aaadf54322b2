/** Which port is for other sidecars. */
import type { Server } from "node:net";
import { hostname, userInfo } from "node:os";
import { ListenError, listenOn, type Listening } from "../net/listen.ts";
import { withPort } from "../shared/addresses.ts";
import { fnv1a } from "../shared/fnv1a.ts";
import { messageOf } from "../shared/message-of.ts";

const firstPort = 47_300;
const ports = 2048;

/**
 * The port that an app gets if it is free. It follows from app, folder, user and
 * machine, so that it is the same after a restart, as in the original.
 */
export function usualPort(appId: string): number {
  const place = [appId, process.cwd(), userId(), hostname()].join("|");
  return firstPort + ((fnv1a(Buffer.from(place)) >>> 0) % ports);
}

function userId(): number {
  try {
    return userInfo().uid;
  } catch {
    return process.getuid?.() ?? -1; // a container's user need not have a name
  }
}

export interface PortOptions {
  /** An address that can't be used here is left out, if another one can. */
  addresses: readonly string[];
  /** 0 = the usual port, or any if that is taken. */
  port: number;
  appId: string;
}

/** Listens on every address with a server of its own, all on one port. Rejects when that can't be. */
export async function listenForPeers<S extends Server>(
  { addresses, port, appId }: PortOptions,
  make: () => S,
): Promise<Listening<S>> {
  const tries = port > 0 ? [port] : [usualPort(appId), 0];
  for (const wanted of tries)
    try {
      return await listenOn({
        addresses,
        port: wanted,
        make,
        isFatal: ({ code }) => !unusable.has(code),
      });
    } catch (error) {
      const { code } = error as ListenError;
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

/** Error codes that mean that this machine does not have the address; they do not concern the port. */
const unusable: ReadonlySet<string | undefined> = new Set([
  "EADDRNOTAVAIL",
  "EAFNOSUPPORT",
  "EINVAL",
  "ENOTFOUND",
  "EAI_AGAIN",
]);
