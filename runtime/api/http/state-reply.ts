/** Answers of the state API that hold stored values: their text is spliced in, not parsed into objects (docs/protocol/state.md). */
import { Readable } from "node:stream";
import { setImmediate as nextTurn } from "node:timers/promises";
import type { BulkItem } from "../../blocks/state/access.ts";
import { encode } from "../../shared/json/go-json.ts";
import type { QueryResult, StateValue } from "../../contracts/state-store.ts";
import type { ApiReply } from "./request.ts";

/** After so much text other requests get their turn. */
const turnLength = 256 * 1024;

/** `[{key,data?,etag?,metadata?,error?}]` in the order asked for. */
export function bulkReply(items: BulkItem[]): ApiReply {
  const body = inTurns("[", items, "]\n", ({ key, entry, error }) => {
    const data = entry && json(entry.data);
    return members([
      ["key", encode(key)],
      ["data", data?.text],
      ["etag", data?.text && entry?.etag && encode(entry.etag)],
      ["metadata", entry?.metadata && encode(entry.metadata)],
      ["error", error ?? data?.error],
    ]);
  });
  return { status: 200, body };
}

/** `{results:[{key,data,etag?,error?}],token?,metadata?}`; 204 without results. */
export function queryReply(found: QueryResult): ApiReply {
  if (found.results.length === 0) return { status: 204 };
  const rest = members([
    ["token", found.token && encode(found.token)],
    ["metadata", found.metadata && encode(found.metadata)],
  ]);
  const end = rest === "{}" ? "]}\n" : `],${rest.slice(1)}\n`;
  const body = inTurns('{"results":[', found.results, end, (one) => {
    const data = json(one.data);
    return members([
      ["key", encode(one.key)],
      ["data", data.text || "null"],
      ["etag", one.etag && encode(one.etag)],
      ["error", one.error ?? data.error],
    ]);
  });
  return { status: 200, body };
}

/**
 * The texts of all items, between commas. A long answer is a stream that is
 * written as the caller takes it, so that it is never in memory as a whole.
 * Other requests get their turn in between.
 */
function inTurns<T>(
  start: string,
  items: readonly T[],
  end: string,
  write: (item: T) => string,
): string | Readable {
  let text = start;
  let next = 0;
  /** Up to the end of a turn, or of the list. */
  const go = (): string => {
    while (next < items.length && text.length < turnLength) {
      text += next === 0 ? write(items[next]!) : `,${write(items[next]!)}`;
      next++;
    }
    const part = next < items.length ? text : text + end;
    text = "";
    return part;
  };
  const first = go();
  if (next === items.length) return first;
  return Readable.from(
    (async function* () {
      yield Buffer.from(first);
      for (let last = false; !last;) {
        await nextTurn();
        const part = go();
        last = next === items.length;
        yield Buffer.from(part);
      }
    })(),
    { objectMode: false },
  );
}

/** `error` is plain text, all else is JSON already; empty and absent members are left out. */
const members = (all: [name: string, text: string | undefined][]): string =>
  `{${all
    .filter(([, text]) => text)
    .map(
      ([name, text]) => `"${name}":${name === "error" ? encode(text) : text}`,
    )
    .join(",")}}`;

/** Bytes that another protocol stored need not be JSON, and must not break the answer. */
function json(data: StateValue): { text?: string; error?: string } {
  const text =
    typeof data === "string" ? data : Buffer.from(data).toString("utf8");
  if (text === "") return {};
  try {
    JSON.parse(text);
    return { text };
  } catch {
    return {
      error:
        "the value is not JSON; read it by its own key, where any bytes pass",
    };
  }
}
