/** Answers of the state API that hold stored values: their text is spliced in, not parsed into objects (spec api §2). */
import { setImmediate as nextTurn } from "node:timers/promises";
import type { BulkItem } from "../../blocks/state-access.ts";
import { encode } from "../../go-json.ts";
import type { QueryResult, StateValue } from "../../state-store.ts";
import type { ApiReply } from "./request.ts";

/** After so much text others get their turn. */
const turnLength = 256 * 1024;

/** `[{key,data?,etag?,metadata?,error?}]` in the order asked for. */
export async function bulkReply(items: BulkItem[]): Promise<ApiReply> {
  const body = await inTurns("[", items, "]\n", ({ key, entry, error }) => {
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
export async function queryReply(found: QueryResult): Promise<ApiReply> {
  if (found.results.length === 0) return { status: 204 };
  const rest = members([
    ["token", found.token && encode(found.token)],
    ["metadata", found.metadata && encode(found.metadata)],
  ]);
  const end = rest === "{}" ? "]}\n" : `],${rest.slice(1)}\n`;
  const body = await inTurns('{"results":[', found.results, end, (one) => {
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

/** The texts of all items, between commas; a long list is written in several turns. */
async function inTurns<T>(
  start: string,
  items: readonly T[],
  end: string,
  write: (item: T) => string,
): Promise<string | Buffer> {
  const done: Buffer[] = [];
  let text = start;
  for (const [i, item] of items.entries()) {
    text += i === 0 ? write(item) : `,${write(item)}`;
    if (text.length < turnLength) continue;
    done.push(Buffer.from(text, "utf8"));
    text = "";
    await nextTurn();
  }
  text += end;
  return done.length === 0 ? text : Buffer.concat([...done, Buffer.from(text)]);
}

/** `error` is plain text, all else JSON already; what is empty or absent is left out. */
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
