/** Lists keys by SCAN, which never holds the server up: in no order, and a key that is moved meanwhile may come twice. */
import { isOwnKey } from "../../../contracts/state-keys.ts";
import type { KeyPage } from "../../../contracts/state-store.ts";
import type { RedisClient } from "../../clients/redis/client.ts";

/** Where most keys are of others, a page ends after so many steps. */
const mostSteps = 20;
/** Keys that the server looks at in one step. */
const stepKeys = 500;

/** `after` is a cursor; "0" begins anew. */
export async function scan(
  client: RedisClient,
  prefix: string,
  after = "0",
  limit: number,
): Promise<KeyPage> {
  if (!/^\d{1,20}$/.test(after))
    throw new Error("after is not the next of a page before");
  const pattern = `${prefix.replace(/[\\*?[\]]/g, "\\$&")}*`;
  const found = new Set<string>();
  let cursor = after;
  // The whole of a step is told: its rest could not be asked for again.
  const count = Math.min(limit, stepKeys);
  for (let step = 0; step < mostSteps && found.size < limit; step++) {
    const [next, keys] = (await client.call(
      "SCAN",
      cursor,
      "MATCH",
      pattern,
      "COUNT",
      count,
    )) as [Buffer, Buffer[]];
    for (const key of keys)
      if (isOwnKey(String(key), prefix)) found.add(String(key));
    cursor = String(next);
    if (cursor === "0") return { keys: [...found], next: null };
  }
  return { keys: [...found], next: cursor };
}
