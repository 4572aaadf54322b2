import { readPlain } from "./plain-scalar.ts";
import { member, readDocuments, textOf, YamlError } from "./yaml.ts";

test.each([
  ["yes", "true"],
  ["off", "false"],
  ["010", "8"],
  ["0x1F", "31"],
  ["1_000", "1000"],
  ["1.50", "1.5"],
  ["~", ""],
  ["", ""],
  ["2024-01-01", "2024-01-01"],
  ["localhost:9092", "localhost:9092"],
  ["1e3", "1000"],
  ["12345678901234567890", "12345678901234567890"],
  ["-5", "-5"],
])("plain scalar %s becomes %s", (source, expected) => {
  expect(readPlain(source).text).toBe(expected);
});

test("every value knows its line, across documents", () => {
  const documents = readDocuments(
    "a: 1\n--- # second\nb:\n  - c: 'yes'\n",
    "f.yaml",
  );
  expect(documents).toHaveLength(2);
  const list = member(documents[1] as never, "B");
  expect(list?.kind).toBe("list");
  const c = list?.kind === "list" ? member(list.items[0], "c") : undefined;
  expect(textOf(c)).toBe("yes");
  expect(c?.at).toEqual({ file: "f.yaml", line: 4, column: 8 });
});

test("a malformed document spares its neighbours and names its line", () => {
  const [bad, good] = readDocuments(
    "a: [1\nb: 2\n---\nkind: Component\n",
    "f.yaml",
  );
  expect(bad).toBeInstanceOf(YamlError);
  expect((bad as YamlError).at.file).toBe("f.yaml");
  expect(textOf(member(good as never, "kind"))).toBe("Component");
});

test("an indented --- is content", () => {
  const [only] = readDocuments("a: |\n  x\n  ---\n  y\n", "f.yaml");
  expect(textOf(member(only as never, "a"))).toBe("x\n---\ny\n");
});

test.each([
  ["an alias bomb", bomb()],
  ["a merge bomb", bomb("<<: ")],
  ["a code tag", "a: !!js/function 'x'\n"],
  ["an odd tag", "a: !evil y\n"],
  ["deep nesting", "[".repeat(5000) + "]".repeat(5000)],
  ["ten megabytes", "a: " + "x".repeat(10_000_000)],
])("%s is refused, naming the file", (_name, text) => {
  const [document] = readDocuments(text, "bad.yaml");
  expect(document).toBeInstanceOf(YamlError);
  expect((document as YamlError).at.file).toBe("bad.yaml");
});

function bomb(merge = ""): string {
  let text = merge
    ? "a0: &a0 {x: y}\n"
    : "a0: &a0 [x, x, x, x, x, x, x, x, x]\n";
  for (let i = 1; i < 9; i++) {
    const previous = `*a${i - 1}`;
    text += merge
      ? `a${i}: &a${i}\n` +
        Array.from(
          { length: 9 },
          (_, n) => `  k${n}: {<<: ${previous}, z: ${previous}}\n`,
        ).join("")
      : `a${i}: &a${i} [${Array(9).fill(previous).join(", ")}]\n`;
  }
  return text;
}

const megabyte = (piece: string, before = "", after = "") =>
  before + piece.repeat(Math.floor(999_000 / piece.length)) + after;
const lines = (count: number, line: (i: number) => string) =>
  Array.from({ length: count }, (_, i) => line(i)).join("\n");

/** Of processor time; what grows faster than the text takes minutes. */
const limitMs = 2000;

test.each([
  ["a comment of signs", megabyte("#", "", "\na: 1")],
  ["comments", megabyte("# comment\n", "", "a: 1")],
  ["a comment of comments", megabyte(" #", "a: 1")],
  ["empty lines", megabyte("\n", "", "a: 1")],
  ["blanks", megabyte(" ", "", "\na: 1")],
  ["members", megabyte("k: 1\n")],
  ["documents", megabyte("---\na: 1\n")],
  ["separators", megabyte("---\n")],
  ["a list in a line", megabyte("1,", "a: [", "]")],
  ["lists in a list", megabyte("[],", "[", "]")],
  ["open brackets", megabyte("[")],
  ["open braces", megabyte("{a: ")],
  ["closed brackets", megabyte("]")],
  ["dashes", megabyte("- ", "", "a")],
  ["question marks", megabyte("? ", "", "a")],
  ["colons", megabyte(": ")],
  ["anchors", lines(60_000, (i) => `k${i}: &a${i} 1`)],
  ["anchors of nothing", megabyte("&a ")],
  ["aliases", megabyte("k: *x\n", "x: &x 1\n")],
  ["merges", megabyte("b: {<<: *a}\n", "a: &a {k: v}\n")],
  ["tags", megabyte("!!str ", "", "a")],
  ["directives", megabyte("%TAG !a! b\n", "", "---\na: 1")],
  ["quotes", megabyte('"')],
  ["lines in quotes", megabyte("x\n\n", 'a: "', '"')],
  ["escapes", megabyte("\\\n", 'a: "', '"')],
  ["lines of a block", megabyte("  x\n\n   y\n", "a: >\n")],
  ["empty lines of a block", megabyte("\n", "a: |\n")],
  ["digits", megabyte("9", "a: ")],
  ["hexadecimal digits", megabyte("f", "a: 0x")],
  ["underscores", megabyte("_", "a: 1")],
  ["deeper and deeper", lines(1400, (i) => `${" ".repeat(i)}a:`)],
])("a megabyte of %s is read or refused in no time", (_, text) => {
  const before = process.threadCpuUsage();
  const documents = readDocuments(text, "big.yaml");
  expect(process.threadCpuUsage(before).user / 1000).toBeLessThan(limitMs);
  for (const document of documents)
    if (document instanceof YamlError)
      expect(document.at).toMatchObject({ file: "big.yaml" });
});

test("a number that nothing can hold stays a text, as in the original", () => {
  const digits = "9".repeat(500);
  expect(readPlain(digits)).toEqual({ text: digits });
  expect(readPlain("1e999")).toEqual({ text: "1e999" });
});

test("ten thousand lines of settings are no megabyte of nonsense", () => {
  const text = lines(1000, (i) =>
    `a${i}:\n  b: # remark\n    - name: c\n      value: "d"\n`.trimEnd(),
  );
  const [document] = readDocuments(text, "f.yaml");
  expect(document).toMatchObject({ kind: "map" });
});

test("maps and lists are JSON text, with names and numbers as written", () => {
  const [document] = readDocuments(
    'v: {Zed: [1, 1.50, yes, ~, "1"], alpha: {B: x}}\n',
    "f.yaml",
  );
  expect(textOf(member(document as never, "v"))).toBe(
    '{"Zed":[1,1.5,true,null,"1"],"alpha":{"B":"x"}}',
  );
});

test.each([
  ["an undeclared handle", `a: !${"b".repeat(100_000)}!c d`],
  ["an unknown tag", `a: !${"b".repeat(100_000)} c`],
  ["an unknown alias", `a: *${"b".repeat(100_000)}`],
])("what is said of %s is short, however long its name", (_, text) => {
  const [error] = readDocuments(text, "a.yaml");
  expect(error).toBeInstanceOf(YamlError);
  expect((error as YamlError).message.length).toBeLessThan(400);
});
