/** One port on several addresses, with a server for each. */
import { rmSync } from "node:fs";
import {
  connect,
  type AddressInfo,
  type ListenOptions,
  type Server,
} from "node:net";
import type { Logger } from "../shared/log.ts";
import { isWildcard } from "../shared/addresses.ts";
import { messageOf } from "../shared/message-of.ts";
import { delay } from "../shared/timers.ts";

export interface ListenOnOptions<S extends Server> {
  /** As Node takes them. One that can't be used is passed over, if another can. */
  addresses: readonly string[];
  /** 0 = any, the same one on all addresses. */
  port: number;
  /** Makes the server of one address. */
  make(): S;
  /** Which errors of one address end the whole. */
  isFatal(error: NodeJS.ErrnoException): boolean;
  /** Instead of addresses and port: a socket in the file system. What is left of a former one is removed. */
  file?: string;
  /** A taken port may be free again after a restart: it is tried for 10 s, or until `signal` calls that off. */
  wait?: { log: Logger; signal?: AbortSignal };
}

export interface Listening<S extends Server = Server> {
  port: number;
  servers: S[];
  /** Those that are listened on, one at least. */
  addresses: string[];
  /** Why others are not. */
  failures: string[];
}

/** No address could be listened on, or one failed that should not. `code` is the last error's. */
export class ListenError extends Error {
  override name = "ListenError";
  readonly failures: readonly string[];
  readonly code: string | undefined;

  constructor(failures: readonly string[], cause: unknown) {
    super(failures.join("; "), { cause });
    this.failures = failures;
    this.code = (cause as NodeJS.ErrnoException | undefined)?.code;
  }
}

const waitMs = 10_000;
const againMs = 100;

/** Rejects with a {@link ListenError}; nothing is listened on then. */
export async function listenOn<S extends Server>({
  addresses,
  port,
  make,
  isFatal,
  file,
  wait,
}: ListenOnOptions<S>): Promise<Listening<S>> {
  if (file !== undefined) return listenOnFile(file, make);
  const listening: Listening<S> = {
    port,
    servers: [],
    addresses: [],
    failures: [],
  };
  const { servers, failures } = listening;
  let problem: unknown = new Error("there is no address to listen on");
  for (const host of wildcardsFirst(addresses)) {
    if (servers.length > 0 && (await isServed(host, servers))) continue;
    const server = make();
    try {
      await bind(
        server,
        // Of several addresses `::` would take the port of the others too.
        { port: listening.port, host, ipv6Only: addresses.length > 1 },
        wait,
      );
    } catch (error) {
      problem = error;
      failures.push(messageOf(error));
      if (!isFatal(error as NodeJS.ErrnoException)) continue;
      await Promise.all(servers.map(closeServer));
      throw new ListenError(failures, error);
    }
    servers.push(server);
    listening.port = (server.address() as AddressInfo).port;
    listening.addresses.push(host);
  }
  if (servers.length === 0) throw new ListenError(failures, problem);
  return listening;
}

async function listenOnFile<S extends Server>(
  file: string,
  make: () => S,
): Promise<Listening<S>> {
  const server = make();
  try {
    if (await isLeftOver(file)) rmSync(file);
    await listenOnce(server, { path: file });
  } catch (error) {
    throw new ListenError([messageOf(error)], error);
  }
  return { port: 0, servers: [server], addresses: [file], failures: [] };
}

/** It is a socket that nobody listens on any more. */
const isLeftOver = (file: string): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect(file);
    socket.once("connect", () => {
      socket.destroy();
      resolve(false);
    });
    socket.once("error", ({ code }: NodeJS.ErrnoException) =>
      resolve(code === "ECONNREFUSED"),
    );
  });

/** `::` and `0.0.0.0` can't be listened on once one of their addresses is. */
const wildcardsFirst = (addresses: readonly string[]): string[] => [
  ...addresses.filter(isWildcard),
  ...addresses.filter((address) => !isWildcard(address)),
];

/** Whether one of the servers has the address: by another name, or as one of all. */
async function isServed(
  host: string,
  servers: readonly Server[],
): Promise<boolean> {
  const found = await addressOf(host);
  if (!found) return false;
  const all = found.family === 6 ? "::" : "0.0.0.0";
  return servers.some((server) => {
    const { address } = server.address() as AddressInfo;
    return address === found.address || address === all;
  });
}

/** Undefined where a name has none: listening on it tells why. */
async function addressOf(host: string) {
  if (/^[\d.]+$/.test(host)) return { address: host, family: 4 };
  if (host.includes(":")) return { address: host, family: 6 };
  // Loaded for names only, so that a sidecar starts without it.
  const { lookup } = await import("node:dns/promises");
  return lookup(host).catch(() => undefined);
}

/** Takes no new connections; resolves once the others have ended. */
export const closeServer = (server: Server): Promise<void> =>
  new Promise((resolve) => server.close(() => resolve()));

/** Rejects with the server's own error. */
async function bind(
  server: Server,
  options: ListenOptions,
  wait: ListenOnOptions<Server>["wait"],
): Promise<void> {
  const until = performance.now() + waitMs;
  for (let warned = false; ; warned = true)
    try {
      return await listenOnce(server, options);
    } catch (error) {
      const taken = (error as NodeJS.ErrnoException).code === "EADDRINUSE";
      if (!wait || !taken || wait.signal?.aborted || performance.now() >= until)
        throw error;
      if (!warned)
        wait.log.warn(
          `port ${options.port} on ${options.host} is taken; trying for ${waitMs / 1000} s`,
        );
      await delay(againMs, undefined, { signal: wait.signal }).catch(() => {}); // the next try is the last
    }
}

function listenOnce(server: Server, options: ListenOptions): Promise<void> {
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
    server.listen({ ...options, backlog: 2048 });
  });
}
