/** What a Redis server can do. It is asked again over each connection, as a failover may lead to another server. */
import type { Logger } from "../../../shared/log.ts";
import type { RedisCall } from "../../clients/redis/client.ts";
import type { QueryIndex } from "./query.ts";

export interface RedisFacts {
  hasJson: boolean;
  /** Connected replicas, all of which `strong` waits for. */
  replicas: number;
  /** Whether the query's indexes have been made. */
  hasIndexes: boolean;
  /** Whether the user may run the scripts that save; undefined before the first answer. */
  maySave: boolean | undefined;
}

/** Fills `facts` and, the first time, makes the query's indexes. */
export async function learn(
  call: RedisCall,
  facts: RedisFacts,
  indexes: QueryIndex[],
  log: Logger,
): Promise<void> {
  const [replication, json, script] = await Promise.all([
    call("INFO", "replication").then(String, () => ""),
    call("JSON.GET").catch((error: Error) => error.message),
    call("EVAL", "return 1", 0).catch((error: Error) => error.message),
  ]);
  const maySave = !String(script).startsWith("NOPERM");
  if (!maySave && facts.maySave !== false)
    log.warn(
      `redis: the user may not run scripts, so nothing can be saved or deleted (${String(script)}); ACL SETUSER … +eval +evalsha`,
    );
  facts.maySave = maySave;
  facts.replicas = Number(/connected_slaves:(\d+)/.exec(replication)?.[1] ?? 0);
  // It is called without its key; a server that has the command complains about that.
  facts.hasJson = !/unknown command|NOPERM/i.test(String(json));
  if (facts.hasIndexes) return;
  for (const index of indexes) await makeIndex(call, index, log);
  facts.hasIndexes = true;
}

async function makeIndex(
  call: RedisCall,
  { ownName, create }: QueryIndex,
  log: Logger,
) {
  try {
    await call("FT.CREATE", ...create);
  } catch (error) {
    if ((error as Error).message !== "Index already exists")
      throw new Error(
        `error registering query schemas: ${(error as Error).message}`,
        { cause: error },
      );
    log.info(`redis: dropping the stale query index ${ownName}`);
    await call("FT.DROPINDEX", ownName);
    await call("FT.CREATE", ...create);
  }
}
