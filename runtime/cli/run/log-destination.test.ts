import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createIo } from "../io.ts";
import { openLog } from "./log-destination.ts";

const dir = mkdtempSync(join(tmpdir(), "dapr-log-"));
afterAll(() => rmSync(dir, { recursive: true, force: true }));

function capture(isTTY = false) {
  const shown: string[] = [];
  const sink = { write: (text: string) => shown.push(text), isTTY };
  return { io: createIo({ json: false }, sink, sink), shown };
}

test.each([
  ["console", true, false],
  ["file", false, true],
  ["fileAndConsole", true, true],
] as const)("%s", (destination, onConsole, inFile) => {
  const file = join(dir, `${destination}.log`);
  const { io, shown } = capture();
  const log = openLog(io, {
    destination,
    file,
    prefix: "== x == ",
    glyphs: false,
  });
  log.line("\x1b[1mbold\x1b[0m");
  log.status("failure", "gone");
  log.close();
  expect(shown.join("")).toBe(
    onConsole ? "== x == \x1b[1mbold\x1b[0m\n== x == gone\n" : "",
  );
  expect(existsSync(file)).toBe(inFile);
  if (inFile)
    expect(readFileSync(file, "utf8")).toBe("== x == bold\n== x == gone\n");
  expect(log.path).toBe(inFile ? file : "");
});

test("on a terminal each app has its own colour, again after six", () => {
  const { io, shown } = capture(true);
  for (let colour = 0; colour < 7; colour++)
    openLog(io, {
      destination: "console",
      file: "",
      prefix: "== APP == ",
      colour,
      glyphs: false,
    }).line("x");
  expect(shown[0]).toBe("\x1b[94;1m== APP == \x1b[0mx\n");
  expect(new Set(shown).size).toBe(6);
  expect(shown[6]).toBe(shown[0]);
});

test("glyphs on the console alone", () => {
  const only = capture();
  openLog(only.io, { destination: "console", file: "", glyphs: true }).status(
    "success",
    "up",
  );
  expect(only.shown).toEqual(["✅  up\n"]);
  const both = capture();
  const log = openLog(both.io, {
    destination: "fileAndConsole",
    file: join(dir, "both.log"),
    glyphs: true,
  });
  log.status("success", "up");
  log.close();
  expect(both.shown).toEqual(["up\n"]);
});

// /dev/full answers every write with ENOSPC.
(existsSync("/dev/full") ? test : test.skip)(
  "a full disk is said once and the lines go on",
  () => {
    const { io, shown } = capture();
    const log = openLog(io, {
      destination: "fileAndConsole",
      file: "/dev/full",
      glyphs: true,
    });
    log.line("one");
    log.line("two");
    log.close();
    expect(shown).toEqual([
      "one\n",
      expect.stringMatching(/^⚠ {2}Could not write to \/dev\/full: ENOSPC/),
      "two\n",
    ]);
  },
);

test("a coloured prefix on a terminal", () => {
  delete process.env["NO_COLOR"];
  const { io, shown } = capture(true);
  openLog(io, {
    destination: "console",
    file: "",
    prefix: "== x == ",
    glyphs: false,
  }).line("hi");
  expect(shown).toEqual(["\x1b[94;1m== x == \x1b[0mhi\n"]);
});
