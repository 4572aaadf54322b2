import { spawnSync } from "node:child_process";
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { isFresh, replaceFile } from "./replace-file.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "replace-file-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

const modeOf = (path: string) => statSync(path).mode & 0o777;

test("a reader finds one content or the other, never a piece", async () => {
  const path = join(folder, "doc");
  const contents = ["a", "b"].map((sign) => sign.repeat(300_000));
  await replaceFile(path, contents[0]!);
  let isWriting = true;
  const writing = (async () => {
    for (let i = 0; i < 10; i++)
      await replaceFile(path, contents[i % 2]!, { isPrecious: i < 4 });
    isWriting = false;
  })();
  const seen = new Set<string>();
  while (isWriting) {
    const text = readFileSync(path, "latin1");
    seen.add(`${text.length} ${text[0]} ${text === text[0]!.repeat(300_000)}`);
    await new Promise(setImmediate);
  }
  await writing;
  expect([...seen].toSorted()).toEqual(["300000 a true", "300000 b true"]);
  expect(readdirSync(folder)).toEqual(["doc"]);
});

test("modes stay, or are as told", async () => {
  const path = join(folder, "doc");
  await replaceFile(path, "new");
  expect(modeOf(path)).toBe(0o666 & ~process.umask());
  chmodSync(path, 0o640);
  await replaceFile(path, "kept");
  expect(modeOf(path)).toBe(0o640);
  await replaceFile(path, "told", { mode: 0o600 });
  expect(modeOf(path)).toBe(0o600);
});

test.each([
  ["a folder", (path: string) => void mkdirSync(path)],
  ["a pipe", (path: string) => void spawnSync("mkfifo", [path])],
  ["a link", (path: string) => symlinkSync("elsewhere", path)],
])("%s is left as it is", async (_, make) => {
  const path = join(folder, "doc");
  make(path);
  await expect(replaceFile(path, "x")).rejects.toThrow(`not a file: ${path}`);
  expect(readdirSync(folder)).toEqual(["doc"]);
});

test("what can't be written leaves the old file and nothing beside it", async () => {
  const path = join(folder, "doc");
  writeFileSync(path, "precious");
  // The library refuses it once the new file is open.
  const unwritable = { length: 1 } as unknown as Uint8Array;
  await expect(replaceFile(path, unwritable)).rejects.toThrow();
  expect(readFileSync(path, "utf8")).toBe("precious");
  expect(readdirSync(folder)).toEqual(["doc"]);
});

test("names of what is on its way", () => {
  expect(isFresh(".new-01234567-89ab-cdef-0123-456789abcdef")).toBe(true);
  expect(isFresh(".new-file")).toBe(false);
});
