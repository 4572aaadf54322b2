import { appendFileSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { tempFolder } from "../../../tests/support/temp-folder.ts";
import { waitFor } from "../../../tests/wait-for.ts";
import { followFile } from "./follow-file.ts";

function follow(path: string) {
  const lines: string[] = [];
  const stop = new AbortController();
  const ended = followFile(path, (line) => lines.push(line), stop.signal);
  return {
    lines,
    async end() {
      stop.abort();
      await ended;
    },
  };
}

const numbers = (count: number) =>
  Array.from({ length: count }, (_, n) => `line ${n}`);

test("the last 200 lines come, then those that are written", async () => {
  const path = join(tempFolder("follow"), "a.log");
  writeFileSync(path, `${numbers(500).join("\n")}\nhalf a `);
  const { lines, end } = follow(path);
  await waitFor("the first lines", () => lines.length >= 200);
  expect(lines).toEqual(numbers(500).slice(-200));
  appendFileSync(path, "line\nünd\n");
  await waitFor("the next lines", () => lines.length >= 202);
  expect(lines.slice(200)).toEqual(["half a line", "ünd"]);
  await end();
});

test("of a long file only the end is read, and a long line is cut", async () => {
  const path = join(tempFolder("follow"), "a.log");
  writeFileSync(path, `${"x".repeat(400_000)}\n${"y".repeat(20_000)}\nend\n`);
  const { lines, end } = follow(path);
  await waitFor("the last line", () => lines.includes("end"));
  expect(lines.map((line) => line.length)).toEqual([16 * 1024 + 2, 3]);
  await end();
});

test("a file that is emptied is read from its beginning", async () => {
  const path = join(tempFolder("follow"), "a.log");
  writeFileSync(path, `${numbers(100).join("\n")}\n`);
  const { lines, end } = follow(path);
  await waitFor("the first lines", () => lines.length === 100);
  writeFileSync(path, "anew\n");
  await waitFor("the new line", () => lines.at(-1) === "anew");
  await end();
});

test("what is no file, and what is not there, is told", async () => {
  const folder = tempFolder("follow");
  mkdirSync(join(folder, "a.log"));
  const { signal } = new AbortController();
  await expect(
    followFile(join(folder, "a.log"), () => {}, signal),
  ).rejects.toThrow("is no file");
  await expect(
    followFile(join(folder, "b.log"), () => {}, signal),
  ).rejects.toThrow("ENOENT");
});
