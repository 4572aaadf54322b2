import {
  chmodSync,
  mkdtempSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { appPath } from "./app-path.ts";

const dir = mkdtempSync(join(tmpdir(), "dapr-path-"));
afterAll(() => rmSync(dir, { recursive: true, force: true }));

const ours = dirname(process.execPath);

/** A `node` on PATH that is of this version. */
function node(version: string): string {
  const file = join(dir, "node");
  rmSync(file, { force: true });
  writeFileSync(file, `#!/bin/sh\necho ${version}\n`);
  chmodSync(file, 0o755);
  return dir;
}

test.each([
  ["v20.20.2", true],
  ["v22.17.9", true],
  ["v22.18.0", false],
  ["v25.0.0", false],
  ["nonsense", true],
])("node %s on PATH: ours first is %s", async (version, first) => {
  const path = node(version);
  expect(await appPath(path)).toBe(first ? `${ours}${delimiter}${path}` : path);
});

test("no node on PATH, or ours by another name", async () => {
  rmSync(join(dir, "node"), { force: true });
  expect(await appPath(dir)).toBe(`${ours}${delimiter}${dir}`);
  symlinkSync(process.execPath, join(dir, "node"));
  expect(await appPath(dir)).toBe(dir);
});
