import { member, plainText, readDocuments, textOf, YamlError } from "./yaml.ts";

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
  expect(plainText(source)).toBe(expected);
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
