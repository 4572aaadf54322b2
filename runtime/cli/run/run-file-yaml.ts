/** A run file's YAML: its value, warnings, and the place of each key. */
import { LineCounter, isMap, isNode, isSeq } from "yaml";
import { where } from "../../shared/position.ts";
import { parseWithin, YamlLimitError } from "../../shared/yaml-document.ts";
import { unknownKeys } from "./run-file-unknown.ts";

export interface ParsedRunFile {
  value: unknown;
  /** A sentence for each unknown key, and for a second document. */
  warnings: string[];
  /** `file:line:column` of a key such as `apps[1].appPort`, or of its nearest parent. */
  placeOf(key: string): string;
}

/** Throws on what is no YAML, with its place. */
export function parseRunFile(text: string, file: string): ParsedRunFile {
  const lineCounter = new LineCounter();
  const at = (offset: number) => {
    const { line, col } = lineCounter.linePos(offset);
    return where({ file, line, column: col });
  };
  let document;
  try {
    document = parseWithin(text, {
      lineCounter,
      merge: true, // as Go's library, and so the original
    });
  } catch (error) {
    if (!(error instanceof YamlLimitError)) throw error;
    throw new Error(`${at(error.offset)}: ${error.message}`);
  }
  const broken = document.errors[0];
  if (broken) throw new Error(`${at(broken.pos[0])}: ${broken.message}`);
  try {
    return {
      value: document.toJS(),
      warnings: [
        ...unknownKeys(document, at),
        ...secondDocument(text, document.range[2], file),
      ],
      placeOf: (key) => at(offsetOf(document.contents, key)),
    };
  } catch (error) {
    // An alias of nothing, or too many of them: the library does not tell the place.
    throw new Error(`${file}: ${(error as Error).message}`);
  }
}

/** A second document is not read, as in the original. A `---` with nothing behind it does not begin one. */
function secondDocument(text: string, from: number, file: string): string[] {
  let line = text.slice(0, from).split("\n").length;
  let marker: number | undefined;
  for (const rest of text.slice(from).split("\n")) {
    if (rest.startsWith("---")) marker = line;
    if (!/^(?:---|\.\.\.)?\s*(?:#.*)?$/.test(rest))
      return [
        `${where({ file, line: marker ?? line, column: 1 })}: a second document in the run file: it is ignored; write its apps into \`apps\` of the first`,
      ];
    line += 1;
  }
  return [];
}

function offsetOf(top: unknown, key: string): number {
  let node = top;
  let offset = offsetIn(top) ?? 0;
  for (const step of key.split(/[.[\]]+/)) {
    if (isSeq(node)) {
      node = node.items[Number(step)];
      offset = offsetIn(node) ?? offset;
    } else if (isMap(node)) {
      const pair = node.items.find((one) => String(one.key) === step);
      offset = offsetIn(pair?.key) ?? offset;
      node = pair?.value;
    } else break;
    if (isSeq(node) || isMap(node)) offset = offsetIn(node) ?? offset;
  }
  return offset;
}

const offsetIn = (node: unknown) =>
  isNode(node) ? node.range?.[0] : undefined;
