import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { spawnSync } from "node:child_process";
import { tempFolder } from "../tests/support/temp-folder.ts";
import { DemoFolder } from "./demo-folder.ts";

test("what a dead demo left is removed at the next start", () => {
  const root = tempFolder("demo-folder");
  const { pid } = spawnSync(process.execPath, ["--version"]);
  const dead = join(root, ".dapr", `demo-${pid}`);
  mkdirSync(dead, { recursive: true });
  const next = new DemoFolder(root);
  expect(existsSync(dead)).toBe(false);
  expect(existsSync(next.path)).toBe(true);
  next.remove();
  expect(existsSync(next.path)).toBe(false);
});

test("a folder in which nothing can be made is said, with the reason", () => {
  const root = tempFolder("demo-folder");
  writeFileSync(join(root, ".dapr"), "");
  expect(() => new DemoFolder(root)).toThrow("Cannot make the demo's folder: ");
});

// Of Linux, and read-only for root as well.
(existsSync("/sys/kernel") ? test : test.skip)(
  "a folder that is not writable is called so",
  () => {
    expect(() => new DemoFolder("/sys/kernel")).toThrow(
      /^The folder \/sys\/kernel is not writable \(E\w+\), /,
    );
  },
);
