import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { makeFolder } from "./make-folder.ts";

test("makes the folders above, again without harm", () => {
  const root = mkdtempSync(join(tmpdir(), "make-folder-"));
  const deep = join(root, "a", "b");
  makeFolder(deep);
  makeFolder(deep);
  expect(existsSync(deep)).toBe(true);
  rmSync(root, { recursive: true });
});

const onLinux = process.platform === "linux" ? test : test.skip;

onLinux("where nothing can be made it says so and returns", () => {
  expect(() => makeFolder("/proc/nope/deep")).toThrow("/proc/nope");
});
