/** How state.redis reads: a hash, many at one moment, a RedisJSON document. */
import { decodeFirst, encode } from "../../../shared/json/go-json.ts";
import type { StateEntry } from "../../../contracts/state-store.ts";
import type { RedisClient } from "../../clients/redis/client.ts";
import { readHashes, readKind } from "./scripts.ts";

/** The value of a hash; a plain string that somebody else wrote is given as it is. */
export async function readHash(
  client: RedisClient,
  key: string,
): Promise<StateEntry | undefined> {
  let fields;
  try {
    fields = await client.hmget(key, "data", "version");
  } catch (error) {
    if (!(error as Error).message.startsWith("WRONGTYPE")) throw error;
  }
  const [data, version] = fields ?? [];
  if (data && version) return { data, etag: version.toString("latin1") };
  if (fields && !data && !version && (await client.call("HLEN", key)) === 0)
    return undefined;
  // It was written between the two commands, or is no state. Reading again in one step tells which.
  const [found] = await readOnce(client, [key]);
  if (found instanceof Error) throw found;
  return found;
}

/** Reads all keys at one moment. In the order of `keys`: undefined for a missing one, its Error for one that can't be read. */
export async function readAll(
  client: RedisClient,
  keys: string[],
): Promise<(StateEntry | Error | undefined)[]> {
  try {
    return await readOnce(client, keys);
  } catch (error) {
    // A user may be allowed to read but not to run scripts.
    if (!/NOPERM/.test((error as Error).message)) throw error;
    return Promise.all(
      keys.map((key) => readHash(client, key).catch((one: Error) => one)),
    );
  }
}

async function readOnce(client: RedisClient, keys: string[]) {
  const found = (await client.read(readHashes, keys)) as [
    kind: number,
    first?: Buffer,
    version?: Buffer,
  ][];
  return found.map(([kind, first, version]) => {
    switch (kind) {
      case readKind.none:
        return undefined;
      case readKind.state:
        return { data: first!, etag: version!.toString("latin1") };
      // A plain string that somebody else wrote is given as it is.
      case readKind.text:
        return { data: first! };
      case readKind.foreign:
        return new Error(
          "required hash field 'data' or 'version' was not found",
        );
      default:
        return new Error(String(first));
    }
  });
}

export async function readDocument(
  client: RedisClient,
  key: string,
): Promise<StateEntry | undefined> {
  const text = (await client.call("JSON.GET", key)) as Buffer | null;
  if (!text) return undefined;
  const { data, version } = decodeFirst(text) as {
    data?: unknown;
    version?: unknown;
  };
  return {
    data: encode(data ?? null),
    ...(version === undefined ? {} : { etag: `${version}` }),
  };
}
