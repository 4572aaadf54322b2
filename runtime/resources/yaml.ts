/**
 * YAML files as lists of documents whose every value knows its line. Scalars
 * are text already, by the original's rules (YAML 1.1 to JSON to text, spec
 * components §1.2). Alias bombs, tags and oversized files are refused.
 */
import {
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  parseDocument,
  type Node as YamlNode,
} from "yaml";
import type { Position } from "../contract.ts";
import { where } from "../metadata.ts";

/** A value with its place. Maps compare keys without case, as the original does. */
export type Value =
  | { kind: "text"; text: string; at: Position }
  | { kind: "map"; entries: Map<string, Value>; at: Position }
  | { kind: "list"; items: Value[]; at: Position };

/** A document that could not be read, and why. */
export class YamlError extends Error {
  override name = "YamlError";
  readonly at: Position;

  constructor(message: string, at: Position) {
    super(message);
    this.at = at;
  }
}

const maxFileBytes = 1024 * 1024;
/** Aliases multiply nodes; no honest component file comes near this many. */
const maxNodes = 50_000;
const maxDepth = 100;
const plainTag =
  /^tag:yaml\.org,2002:(str|int|float|bool|null|map|seq|timestamp)$/;

/** Reads a file's documents; each is a value or the error it deserves, so that one bad document spares the others. */
export function readDocuments(
  text: string,
  file: string,
): (Value | YamlError)[] {
  if (text.length > maxFileBytes)
    return [
      new YamlError(
        `file is larger than ${maxFileBytes / 1024} KiB, which no resource file needs`,
        { file, line: 1, column: 1 },
      ),
    ];
  const found: (Value | YamlError)[] = [];
  let line = 1;
  for (const part of text.split(/(?<=\n)(?=---)|^(?=---)/)) {
    const startLine = line;
    line += part.split("\n").length - 1;
    // The rest of a separator's line is dropped (spec components §1.1).
    const body = part.replace(/^---.*/, "");
    if (/^(\s|#.*)*$/.test(body)) continue;
    found.push(readDocument(body, file, startLine));
  }
  return found;
}

function readDocument(
  body: string,
  file: string,
  startLine: number,
): Value | YamlError {
  const lines = new LineCounter();
  const at = (offset: number): Position => {
    const { line, col } = lines.linePos(offset);
    return { file, line: startLine + line - 1, column: col };
  };
  const document = parseDocument(body, {
    lineCounter: lines,
    prettyErrors: false,
    schema: "failsafe",
    uniqueKeys: false,
    logLevel: "silent",
  });
  const broken = document.errors[0];
  if (broken) return new YamlError(broken.message, at(broken.pos[0]));
  try {
    return convert(document.contents, at, { nodes: 0, anchors: new Map() }, 0);
  } catch (error) {
    if (error instanceof YamlError) return error;
    throw error;
  }
}

interface Walk {
  nodes: number;
  /** The library looks an anchor up by reading the document again. */
  anchors: Map<string, YamlNode>;
}

function convert(
  node: YamlNode | null,
  at: (offset: number) => Position,
  walk: Walk,
  depth: number,
): Value {
  const here = at(node?.range?.[0] ?? 0);
  if (++walk.nodes > maxNodes || depth > maxDepth)
    throw new YamlError("too many or too deeply nested values", here);
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
    for (const { key, value } of node.items) {
      const name = isScalar(key) ? String(key.source ?? key.value) : "";
      const converted = convert(value as YamlNode | null, at, walk, depth + 1);
      if (name === "<<" && converted.kind === "map") {
        for (const [k, v] of converted.entries)
          if (!entries.has(k)) entries.set(k, v);
      } else entries.set(name.toLowerCase(), converted);
    }
    return { kind: "map", entries, at: here };
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
    return { kind: "text", text: plain ? plainText(source) : source, at: here };
  }
  return { kind: "text", text: "", at: here };
}

/** A plain YAML 1.1 scalar, resolved and written back as the JSON the original makes of it. */
export function plainText(source: string): string {
  if (/^(~|null|Null|NULL|)$/.test(source)) return "";
  if (/^(y|Y|yes|Yes|YES|true|True|TRUE|on|On|ON)$/.test(source)) return "true";
  if (/^(n|N|no|No|NO|false|False|FALSE|off|Off|OFF)$/.test(source))
    return "false";
  const digits = source.replaceAll("_", "");
  const integer =
    /^([+-]?)(?:0x([0-9a-fA-F]+)|0b([01]+)|0o?([0-7]+)|(0|[1-9]\d*))$/.exec(
      digits,
    );
  if (integer && /^[+-]?\d/.test(source)) {
    const [, sign, hex, binary, octal, decimal] = integer;
    const value = hex
      ? BigInt("0x" + hex)
      : binary
        ? BigInt("0b" + binary)
        : octal
          ? BigInt("0o" + octal)
          : BigInt(decimal!);
    return `${sign === "-" ? "-" : ""}${value}`;
  }
  if (/^[+-]?(\d+\.\d*|\.\d+|\d+)([eE][+-]?\d+)?$/.test(digits))
    return String(Number(digits));
  return source;
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

/** A scalar's text; maps and lists become JSON text; nothing is empty. */
export function textOf(value: Value | undefined): string {
  if (!value) return "";
  return value.kind === "text" ? value.text : JSON.stringify(toPlain(value));
}

/** A list of texts. */
export function textsOf(value: Value | undefined): string[] {
  return value?.kind === "list" ? value.items.map(textOf) : [];
}

/** A map or nothing. Throws, so that a slip in the indentation does not open what it should close. */
export function mapAt(
  value: Value | undefined,
  name: string,
): Value | undefined {
  if (!value || value.kind === "map") return value;
  if (value.kind === "text" && value.text === "") return undefined;
  throw new Error(`${name} must be a map of settings (${where(value.at)})`);
}

/** A list or nothing; throws otherwise. */
export function listAt(
  value: Value | undefined,
  name: string,
): Value | undefined {
  if (!value || value.kind === "list") return value;
  if (value.kind === "text" && value.text === "") return undefined;
  throw new Error(`${name} must be a list, "- …" (${where(value.at)})`);
}

function toPlain(value: Value): unknown {
  if (value.kind === "text") return value.text;
  if (value.kind === "list") return value.items.map(toPlain);
  return Object.fromEntries(
    [...value.entries].map(([key, item]) => [key, toPlain(item)]),
  );
}
