/**
 * JSON of a file of secrets. An error says where and what is wrong, but never
 * quotes the text, as V8's own message does. Numbers keep their digits.
 */
import { Digits } from "../../../shared/json/go-json.ts";
import type { Json } from "./flatten.ts";

export type Parsed =
  | { value: Json }
  /** `place` is `line:column`. */
  | { problem: string; place: string };

const maxDepth = 1000;

export function parseJson(source: string): Parsed {
  const text = source.replace(/^\uFEFF/, ""); // as Windows editors write it
  const broken = firstError(text);
  if (broken) {
    const before = text.slice(0, broken.offset).split("\n");
    return {
      problem: broken.problem,
      place: `${before.length}:${before.at(-1)!.length + 1}`,
    };
  }
  return { value: JSON.parse(text, asWritten) as Json };
}

function asWritten(
  _key: string,
  value: unknown,
  context?: { source?: string },
): unknown {
  return typeof value === "number"
    ? new Digits(context?.source ?? String(value))
    : value;
}

interface Broken {
  offset: number;
  problem: string;
}

const token =
  /[ \t\r\n]*(?:("[ !#-[\]-\uffff]*(?:\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})[ !#-[\]-\uffff]*)*")|(-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null)(?![\w.+-])|([{}[\],:]))/y;

/** Checks the tokens by JSON's grammar; undefined if all is well. */
function firstError(text: string): Broken | undefined {
  /** The closing brackets that are still missing. */
  const open: string[] = [];
  let expected:
    "value" | "value or ]" | "key" | "key or }" | ":" | "after a value" =
    "value";
  let offset = 0;
  const wrong = (found: string): Broken => ({
    offset,
    problem: `${expected !== "after a value" ? wanted[expected] : open.length > 0 ? `a comma or ${open.at(-1)}` : "the end of the file"} expected, but ${found}`,
  });
  for (;;) {
    offset += /^[ \t\r\n]*/.exec(text.slice(offset, offset + 4096))![0].length;
    if (/[ \t\r\n]/.test(text[offset] ?? "")) continue;
    if (offset === text.length)
      return expected === "after a value" && open.length === 0
        ? undefined
        : wrong("the file ends here");
    token.lastIndex = offset;
    const match = token.exec(text);
    if (!match)
      return wrong(
        text[offset] === '"'
          ? "this text has no end on its line or holds a character that must be escaped"
          : text[offset] === "'"
            ? "there is a single quote: JSON takes double quotes"
            : text[offset] === "/"
              ? "there is a comment, which JSON does not have"
              : "there is something else",
      );
    const [, string, literal, mark] = match;
    const isValue = expected === "value" || expected === "value or ]";
    if (string !== undefined) {
      if (isValue) expected = "after a value";
      else if (expected === "key" || expected === "key or }") expected = ":";
      else return wrong("there is a text");
    } else if (literal !== undefined) {
      if (!isValue) return wrong("there is a value");
      expected = "after a value";
    } else if (isValue && (mark === "{" || mark === "[")) {
      open.push(mark === "{" ? "}" : "]");
      if (open.length > maxDepth)
        return { offset, problem: "values are nested too deeply" };
      expected = mark === "{" ? "key or }" : "value or ]";
    } else if (expected === ":" && mark === ":") expected = "value";
    else if (expected === "after a value" && mark === "," && open.length > 0)
      expected = open.at(-1) === "}" ? "key" : "value";
    else if (
      mark === open.at(-1) &&
      (expected === "after a value" ||
        (expected === "key or }" && mark === "}") ||
        (expected === "value or ]" && mark === "]"))
    ) {
      open.pop();
      expected = "after a value";
    } else return wrong(`there is a "${mark}"`);
    offset = token.lastIndex;
  }
}

const wanted = {
  value: "a value",
  "value or ]": "a value or ]",
  key: "a name in double quotes",
  "key or }": "a name in double quotes or }",
  ":": "a colon",
};
