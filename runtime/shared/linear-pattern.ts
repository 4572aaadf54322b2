/**
 * Patterns of Go's `regexp` (RE2: https://github.com/google/re2/wiki/Syntax) that replace what they find. Each search takes
 * time in proportion to text and pattern. The library that also serves CEL parses and compiles them; it only tells whether
 * there is a match, so its program is run here. It is loaded with the first pattern.
 */
import type { RE2JS } from "@bufbuild/re2";

export interface LinearPattern {
  /**
   * Every match becomes `template`, in which `$1`, `${1}`, `$name` and `${name}` stand for what a group found, and `$$`
   * for a dollar. As in Go, `$1x` is a group of the name `1x`, and a group that there is not is empty.
   */
  replaceAll(text: string, template: string): string;
}

type Program = ReturnType<RE2JS["re2"]>["prog"];

/** The first and last place of the whole match, then those of each group; undefined where a group found nothing. */
type Found = readonly (number | undefined)[];

/** Rejects if it is no pattern of RE2. */
export async function compilePattern(pattern: string): Promise<LinearPattern> {
  const { RE2JS } = await import("@bufbuild/re2");
  const { prog, namedGroups } = RE2JS.compile(pattern).re2();
  return {
    replaceAll: (text, template) =>
      replaceAll(prog, namedGroups, Array.from(text), template),
  };
}

function replaceAll(
  program: Program,
  names: ReadonlyMap<string, number>,
  chars: readonly string[],
  template: string,
): string {
  let done = "";
  let copied = 0;
  for (let at = 0; at <= chars.length;) {
    const found = search(program, chars, at);
    if (!found) break;
    const [start, end] = found as [number, number];
    done += chars.slice(copied, start).join("");
    // As in Go, no empty match counts right behind another match.
    if (end > copied || start === 0) {
      const group = (n: number) =>
        chars.slice(found[2 * n] ?? 0, found[2 * n + 1] ?? 0).join("");
      done += expand(template, (name) => {
        const n = /^(0|[1-9]\d{0,7})$/.test(name) ? +name : names.get(name);
        return n === undefined ? "" : group(n);
      });
    }
    copied = end;
    at = Math.max(end, at + 1);
  }
  return done + chars.slice(copied).join("");
}

const expand = (template: string, group: (name: string) => string): string =>
  template.replace(
    /\$(?:(\$)|([\p{L}\p{Nd}_]+)|\{([\p{L}\p{Nd}_]+)\})/gu,
    (_, dollar?: string, bare?: string, braced?: string) =>
      dollar ?? group(bare ?? braced!),
  );

/** What an instruction does, by its number (`Inst` of the library, `syntax.InstOp` of Go). */
const op = {
  alt: 1,
  altMatch: 2,
  capture: 3,
  empty: 4,
  fail: 5,
  match: 6,
  nop: 7,
};

interface Thread {
  at: number;
  found: Found;
}

/** The leftmost match that begins at `from` or later; of several, the one that the pattern prefers. */
function search(
  program: Program,
  chars: readonly string[],
  from: number,
): Found | undefined {
  const code = (i: number) => chars[i]?.codePointAt(0) ?? -1;
  let threads: Thread[] = [];
  let matched: Found | undefined;
  for (let i = from; i <= chars.length; i++) {
    const holds = conditions(code(i - 1), code(i));
    const next: Thread[] = [];
    const seen = new Set<number>();
    // First those that began earlier: they are preferred.
    for (const { at, found } of threads) follow(at, found);
    if (!matched) follow(program.start, [i]);
    threads = next;
    const end = threads.findIndex(({ at }) => op.match === opAt(at));
    if (end >= 0) {
      matched = noted(threads[end]!.found, 1, i);
      threads.length = end;
    }
    if (matched && threads.length === 0) break;
    threads = threads
      .filter(({ at }) => program.getInst(at).matchRune(code(i)))
      .map(({ at, found }) => ({ at: program.getInst(at).out, found }));

    /** Adds the instructions that wait for a character, in the order of preference, each once. */
    function follow(start: number, found: Found) {
      const open: Thread[] = [{ at: start, found }];
      for (let one = open.pop(); one; one = open.pop()) {
        if (seen.has(one.at)) continue;
        seen.add(one.at);
        const { op: kind, out, arg } = program.getInst(one.at);
        if (kind === op.alt || kind === op.altMatch)
          open.push({ at: arg, found: one.found }, { ...one, at: out });
        else if (kind === op.nop) open.push({ ...one, at: out });
        else if (kind === op.empty) {
          if ((arg & ~holds) === 0) open.push({ ...one, at: out });
        } else if (kind === op.capture)
          open.push({ at: out, found: noted(one.found, arg, i) });
        else if (kind !== op.fail) next.push(one);
      }
    }
  }
  return matched;

  function opAt(at: number) {
    return program.getInst(at).op;
  }
}

function noted(found: Found, slot: number, at: number): Found {
  const copy = [...found];
  copy[slot] = at;
  return copy;
}

const isWord = (code: number) =>
  code >= 0 && /^\w$/.test(String.fromCodePoint(code));

/** What is true between two characters, -1 for none: a bit each for the begin and end of a line, of the text, and (no) word boundary. */
function conditions(before: number, after: number): number {
  const newline = 10;
  return (
    (before < 0 || before === newline ? 1 : 0) |
    (after < 0 || after === newline ? 2 : 0) |
    (before < 0 ? 4 : 0) |
    (after < 0 ? 8 : 0) |
    (isWord(before) === isWord(after) ? 32 : 16)
  );
}
