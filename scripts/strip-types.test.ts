import { readFileSync } from "node:fs";
import { join } from "node:path";
import { withoutTypes } from "./strip-types.ts";

test.each([
  ["const a: Record<string, string> = {};", "const a = {};"],
  ["f(a: string, b?: number): Promise<void> {", "f(a, b) {"],
  ['for (const s of ["A", "B"] as const)', 'for (const s of ["A", "B"])'],
  ["const { a } = (b ?? {}) as { a?: string };", "const { a } = (b ?? {});"],
  ['import { a, type B } from "./c.ts";', 'import { a } from "./c.js";'],
  ['import "./c.ts"; // see c.ts', 'import "./c.js"; // see c.ts'],
])("%s", (typed, plain) => {
  // Parts of programs are put where they can be read.
  const wrap = (text: string) =>
    text.startsWith("f(")
      ? `async function ${text}}`
      : text.startsWith("for")
        ? `${text} void s;`
        : text;
  expect(withoutTypes(wrap(typed))).toBe(wrap(plain));
});

test("a line of types alone goes, an empty line stays", () => {
  expect(
    withoutTypes('import type { A } from "./a.ts";\n\nconst b = 1;\n\nb;\n'),
  ).toBe("const b = 1;\n\nb;\n");
  expect(withoutTypes("a;\n\ntype A = 1;\n\nb;\n")).toBe("a;\n\nb;\n");
});

test.each(["nodeapp/orders.ts", "producerapp/every-second.ts"])(
  "%s keeps its comments and has no types",
  (file) => {
    const source = readFileSync(join(__dirname, "..", file), "utf8");
    const plain = withoutTypes(source);
    const comments = (text: string) => text.match(/\/\/ .*|\/\*\*.*/g);
    expect(comments(plain)).toEqual(comments(source));
    expect(plain).not.toMatch(/\S {2,}[=,);]|: (string|Error|Promise)\b/);
  },
);
