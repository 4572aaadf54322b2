/** A save of many items. Plain ones go in batches of one statement each, over a few connections, so that others get their turn. */
import type { SetState } from "../../../contracts/state-store.ts";
import { etagOf, mustBeFirst, ttlOf } from "../../state-requests.ts";

/** The most rows of one statement, and the most bytes of their values, so that locks are held for some milliseconds only. */
const batchLimit = { rows: 100, length: 1 << 20 };

export interface BulkWrites {
  set(request: SetState): Promise<void>;
  /** Stores items of different keys that have neither etags nor guards: all or none. */
  setPlain(requests: SetState[]): Promise<void>;
  /** Whether the server refused a batch because of one of its items, so that each may pass by itself. */
  isRefusal(error: unknown): boolean;
  /** How many calls run at a time. */
  parallel: number;
}

/** The outcomes in the order of `requests`: undefined for one that was stored, else its Error. */
export async function bulkSet(
  requests: readonly SetState[],
  { set, setPlain, isRefusal, parallel }: BulkWrites,
): Promise<(Error | undefined)[]> {
  const failures = Array<Error | undefined>(requests.length).fill(undefined);

  async function inTurn(indexes: number[]) {
    for (const index of indexes)
      await set(requests[index]!).catch(
        (error: Error) => void (failures[index] = error),
      );
  }

  async function together(indexes: number[]) {
    try {
      await setPlain(indexes.map((index) => requests[index]!));
    } catch (error) {
      if (isRefusal(error)) return inTurn(indexes);
      for (const index of indexes) failures[index] = error as Error;
    }
  }

  const { plain, chains } = sorted(requests);
  const work = [
    ...batches(plain, requests).map((batch) => () => together(batch)),
    ...chains.map((chain) => () => inTurn(chain)),
  ];
  const worker = async () => {
    for (let next = work.shift(); next; next = work.shift()) await next();
  };
  await Promise.all(Array.from({ length: parallel }, worker));
  return failures;
}

/** Of several plain items of one key the last counts. If one of them has an etag, they are done one after the other. */
function sorted(requests: readonly SetState[]): {
  plain: number[];
  chains: number[][];
} {
  const byKey = new Map<string, number[]>();
  for (const [index, { key }] of requests.entries()) {
    const indexes = byKey.get(key);
    if (indexes) indexes.push(index);
    else byKey.set(key, [index]);
  }
  const plain: number[] = [];
  const chains: number[][] = [];
  for (const indexes of byKey.values())
    if (indexes.every((index) => isPlain(requests[index]!)))
      plain.push(indexes.at(-1)!);
    else chains.push(indexes);
  return { plain, chains };
}

function isPlain(request: SetState): boolean {
  if (etagOf(request) !== undefined || mustBeFirst(request)) return false;
  try {
    ttlOf(request.metadata);
    return true;
  } catch {
    return false; // its error comes when it is set by itself
  }
}

function batches(plain: number[], requests: readonly SetState[]): number[][] {
  const all: number[][] = [];
  let length = Infinity;
  for (const index of plain) {
    const more = requests[index]!.value.length;
    const batch = all.at(-1);
    if (
      batch &&
      batch.length < batchLimit.rows &&
      length + more <= batchLimit.length
    ) {
      batch.push(index);
      length += more;
    } else {
      all.push([index]);
      length = more;
    }
  }
  return all;
}
