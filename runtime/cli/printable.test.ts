import { createIo } from "./io.ts";
import { printable } from "./printable.ts";
import { renderTable } from "./table.ts";

test.each([
  ["a\x1b[2Jb", "a\\u001b[2Jb"],
  ["x\x9b31m\x7f\0", "x\\u009b31m\\u007f\\u0000"],
  ["safe\u202Egpj", "safe\\u202egpj"],
  ["a\rb\r\n\tc\n", "a\\u000db\n\tc\n"],
  ["grün 注文 👩‍🍳", "grün 注文 👩‍🍳"],
])("%j is shown as %j", (text, shown) => {
  expect(printable(text)).toBe(shown);
});

test("status lines and events hold no control characters of others", () => {
  let out = "";
  const sink = { write: (text: string) => (out += text) };
  createIo({ json: false }, sink, sink).status("failure", "app \x1b]0;x\x07");
  expect(out).toBe("❌  app \\u001b]0;x\\u0007\n");
  out = "";
  createIo({ json: true }, sink, sink).status("failure", "app \x9b\x1b");
  expect(out).toMatch(/"msg":"app \\u009b\\u001b"/);
  expect((JSON.parse(out) as { msg: string }).msg).toBe("app \x9b\x1b");
});

test("a cell of a table stays in its row", () => {
  expect(renderTable([{ "APP ID": "a\nb\x1b[0m", AGE: "1s" }])).toBe(
    "APP ID        AGE\na b\\u001b[0m  1s",
  );
});
