/**
 * YAML files as lists of documents in which each value knows its line. Scalars
 * have become text, by the original's rules (YAML 1.1 to JSON to text,
 * docs/protocol/resources.md). Alias bombs, tags and oversized files are refused.
 */
import {
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  type Node as YamlNode,
} from "yaml";
import type { Position } from "../../shared/position.ts";
import { where } from "../../shared/position.ts";
import { readPlain } from "./plain-scalar.ts";
import { maxYamlBytes } from "../../shared/files/read-regular.ts";
import {
  parseWithin,
  YamlLimitError,
  type YamlBudget,
} from "../../shared/yaml-document.ts";

/** A value with its place. Maps compare keys without case, as the original does; the last of several counts. */
export type Value = (
  | {
      kind: "text";
      text: string;
      /** As JSON, if that is no string. */ json?: string;
    }
  | {
      kind: "map";
      entries: Map<string, Value>;
      /** Names that are written more than once. */ doubled?: Key[];
    }
  | { kind: "list"; items: Value[] }
) & {
  at: Position;
  /** The name of a map's member. */
  key?: Key;
};

/** A name as written, and where. */
export interface Key {
  name: string;
  at: Position;
}

/** The library quotes names of any length, so messages are cut: nobody's text may fill the log. */
const longestMessage = 300;

/** A document that could not be read, and why. */
export class YamlError extends Error {
  override name = "YamlError";
  readonly at: Position;
  /** True if the rest of the file is not read either. */
  readonly isLimit: boolean;

  constructor(message: string, at: Position, isLimit = false) {
    super(
      message.length > longestMessage
        ? `${message.slice(0, longestMessage)}…`
        : message,
    );
    this.at = at;
    this.isLimit = isLimit;
  }
}

/** Aliases multiply nodes. No honest component file has nearly so many. */
const maxNodes = 50_000;
const maxDepth = 100;
const plainTag =
  /^tag:yaml\.org,2002:(str|int|float|bool|null|map|seq|timestamp)$/;

/** Reads a file's documents. Each is a value or an error, so that one bad document does not affect the others. */
export function readDocuments(
  text: string,
  file: string,
): (Value | YamlError)[] {
  if (text.length > maxYamlBytes)
    return [
      new YamlError(
        `file is larger than ${maxYamlBytes / 1024} KiB, which no resource file needs`,
        { file, line: 1, column: 1 },
      ),
    ];
  const found: (Value | YamlError)[] = [];
  const budget = { tokens: 0, nodes: 0 };
  let line = 1;
  for (const part of text.split(/(?<=\n)(?=---)|^(?=---)/)) {
    const startLine = line;
    const lines = part.split("\n");
    line += lines.length - 1;
    // The rest of a separator's line is dropped.
    if (part.startsWith("---")) lines[0] = "";
    if (lines.every((one) => /^\s*(?:#|$)/.test(one))) continue;
    const read = readDocument(lines.join("\n"), file, startLine, budget);
    found.push(read);
    if (read instanceof YamlError && read.isLimit) break;
  }
  return found;
}

interface Budget extends YamlBudget {
  nodes: number;
}

function readDocument(
  body: string,
  file: string,
  startLine: number,
  budget: Budget,
): Value | YamlError {
  const lines = new LineCounter();
  const at = (offset: number): Position => {
    const { line, col } = lines.linePos(offset);
    return { file, line: startLine + line - 1, column: col };
  };
  try {
    const document = parseWithin(
      body,
      {
        lineCounter: lines,
        schema: "failsafe",
        uniqueKeys: false,
        logLevel: "silent",
      },
      budget,
    );
    const broken = document.errors[0];
    if (broken) return new YamlError(broken.message, at(broken.pos[0]));
    return convert(document.contents, at, { budget, anchors: new Map() }, 0);
  } catch (error) {
    if (error instanceof YamlLimitError)
      return new YamlError(error.message, at(error.offset), true);
    if (error instanceof YamlError) return error;
    throw error;
  }
}

interface Walk {
  budget: Budget;
  /** The nodes by their anchors: the library would read the document again for each alias. */
  anchors: Map<string, YamlNode>;
}

function convert(
  node: YamlNode | null,
  at: (offset: number) => Position,
  walk: Walk,
  depth: number,
): Value {
  const here = at(node?.range?.[0] ?? 0);
  if (++walk.budget.nodes > maxNodes || depth > maxDepth)
    throw new YamlError("too many or too deeply nested values", here, true);
  if (isAlias(node)) {
    const target = walk.anchors.get(node.source);
    if (!target) throw new YamlError(`unknown alias *${node.source}`, here);
    return convert(target, at, walk, depth + 1);
  }
  const anchor = (node as { anchor?: string } | null)?.anchor;
  if (anchor) walk.anchors.set(anchor, node!);
  const tag = (node as { tag?: string } | null)?.tag;
  if (tag && !plainTag.test(tag))
    throw new YamlError(`tag ${tag} is not supported`, here);
  if (isMap(node)) {
    const entries = new Map<string, Value>();
    const written = new Set<string>();
    const doubled: Key[] = [];
    for (const { key, value } of node.items) {
      const name = isScalar(key) ? String(key.source ?? key.value) : "";
      const converted = convert(value as YamlNode | null, at, walk, depth + 1);
      if (name === "<<" && converted.kind === "map") {
        for (const [k, v] of converted.entries)
          if (!entries.has(k)) entries.set(k, v);
        continue;
      }
      converted.key = { name, at: at((key as YamlNode).range?.[0] ?? 0) };
      const folded = name.toLowerCase();
      if (written.has(folded)) doubled.push(converted.key);
      written.add(folded);
      entries.set(folded, converted);
    }
    return {
      kind: "map",
      entries,
      at: here,
      ...(doubled.length > 0 ? { doubled } : {}),
    };
  }
  if (isSeq(node))
    return {
      kind: "list",
      items: node.items.map((item) =>
        convert(item as YamlNode, at, walk, depth + 1),
      ),
      at: here,
    };
  if (isScalar(node)) {
    const plain = node.type === "PLAIN";
    const source = String(node.value ?? "");
    return plain
      ? { kind: "text", ...readPlain(source), at: here }
      : { kind: "text", text: source, at: here };
  }
  return { kind: "text", text: "", json: "null", at: here };
}

/** A member of a map, its name in any case. */
export function member(
  value: Value | undefined,
  name: string,
): Value | undefined {
  return value?.kind === "map"
    ? value.entries.get(name.toLowerCase())
    : undefined;
}

/** A scalar's text. Maps and lists become JSON; no value becomes an empty text. */
export function textOf(value: Value | undefined): string {
  if (!value) return "";
  return value.kind === "text" ? value.text : jsonOf(value);
}

/** A list of texts. */
export function textsOf(value: Value | undefined): string[] {
  return value?.kind === "list" ? value.items.map(textOf) : [];
}

/** Undefined where there is none. Throws on any other text than true or false. */
export function boolAt(
  value: Value | undefined,
  name: string,
): boolean | undefined {
  const text = textOf(value);
  if (text === "") return undefined;
  if (text === "true" || text === "false") return text === "true";
  throw new Error(`${name} must be true or false (${where(value?.at)})`);
}

/** A map, or undefined if there is none. Throws on anything else, so that a slip in the indentation does not open what it should close. */
export function mapAt(
  value: Value | undefined,
  name: string,
): Value | undefined {
  if (!value || value.kind === "map") return value;
  if (value.kind === "text" && value.text === "") return undefined;
  throw new Error(`${name} must be a map of settings (${where(value.at)})`);
}

/** A list, or undefined if there is none; throws on anything else. */
export function listAt(
  value: Value | undefined,
  name: string,
): Value | undefined {
  if (!value || value.kind === "list") return value;
  if (value.kind === "text" && value.text === "") return undefined;
  throw new Error(`${name} must be a list, "- …" (${where(value.at)})`);
}

/** Members in the order of their names, as in the original. */
function jsonOf(value: Value): string {
  if (value.kind === "text") return value.json ?? JSON.stringify(value.text);
  if (value.kind === "list") return `[${value.items.map(jsonOf).join(",")}]`;
  const members = [...value.entries]
    .map(([folded, item]) => [item.key?.name ?? folded, item] as const)
    .sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${members.map(([name, item]) => `${JSON.stringify(name)}:${jsonOf(item)}`).join(",")}}`;
}
