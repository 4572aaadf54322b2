import { age, created } from "./age.ts";
import { createIo } from "./io.ts";
import { renderTable } from "./table.ts";
import { randomAppId } from "./run/app-id.ts";
import { fileStamp } from "./run/log-destination.ts";

function capture(json: boolean) {
  let out = "";
  let err = "";
  const io = createIo(
    { json },
    { write: (text) => (out += text) },
    { write: (text) => (err += text) },
  );
  return { io, read: () => ({ out, err }) };
}

test("status lines: glyph, two blanks, text; failures on stderr", () => {
  const { io, read } = capture(false);
  for (const status of [
    "success",
    "warning",
    "info",
    "pending",
    "failure",
  ] as const)
    io.status(status, "x");
  expect(read()).toEqual({
    out: "✅  x\n⚠  x\nℹ️  x\n⌛  x\n",
    err: "❌  x\n",
  });
  expect(io.colour).toBe(false);
});

test("JSON events", () => {
  const { io, read } = capture(true);
  io.status("info", 'a "b"');
  expect(JSON.parse(read().out)).toMatchObject({
    status: "info",
    msg: 'a "b"',
  });
});

test("a table: columns aligned, empty ones left out", () => {
  expect(
    renderTable([
      { A: "1", EMPTY: "", "LONG NAME": "x" },
      { A: "22", EMPTY: "", "LONG NAME": "yy" },
    ]),
  ).toBe("A   LONG NAME\n1   x\n22  yy");
});

test("a table that is too wide leaves out what can be spared, in order", () => {
  const rows = [{ A: "1", PATH: "/a/long/path", B: "x", CREATED: "today" }];
  const spare = ["PATH", "CREATED"];
  const lines = (width: number) =>
    renderTable(rows, { width, spare }).split("\n")[0];
  expect(lines(40)).toBe("A  PATH          B  CREATED");
  expect(lines(20)).toBe("A  B  CREATED");
  expect(lines(9)).toBe("A  B");
  expect(lines(1)).toBe("A  B");
});

test("colours are for terminals, and for none that says NO_COLOR", () => {
  const terminal = { write: () => {}, isTTY: true };
  const before = process.env["NO_COLOR"];
  try {
    delete process.env["NO_COLOR"];
    expect(createIo({ json: false }, terminal).colour).toBe(true);
    process.env["NO_COLOR"] = "1";
    expect(createIo({ json: false }, terminal).colour).toBe(false);
  } finally {
    if (before === undefined) delete process.env["NO_COLOR"];
    else process.env["NO_COLOR"] = before;
  }
});

test.each([
  [59_999, "59s"],
  [60_000, "1m"],
  [3_600_000, "1h"],
  [200_000_000, "2d"],
  [-5, "0s"],
])("an age of %d ms is %s", (ms, text) => {
  expect(age(ms)).toBe(text);
});

test("times", () => {
  const at = new Date(2026, 0, 2, 3, 4, 5);
  expect(created(at)).toBe("2026-01-02 03:04.05");
  expect(fileStamp(at)).toBe("20260102030405");
});

test("random names look like the original's and avoid those in use", () => {
  const taken = new Set<string>();
  for (let count = 0; count < 200; count++) {
    const name = randomAppId(taken);
    expect(name).toMatch(/^[a-z]+-[a-z]+$/);
    expect(taken.has(name)).toBe(false);
    taken.add(name);
  }
});
