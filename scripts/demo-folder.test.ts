import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { spawnSync } from "node:child_process";
import { tempFolder } from "../tests/support/temp-folder.ts";
import { DemoFolder } from "./demo-folder.ts";

test("the folder of a demo that was killed is removed at the next start", () => {
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

test("a folder that cannot be created is an error with the reason", () => {
  const root = tempFolder("demo-folder");
  writeFileSync(join(root, ".dapr"), "");
  expect(() => new DemoFolder(root)).toThrow("Cannot make the demo's folder: ");
});

// /sys/kernel exists on Linux only. Even root cannot write there.
(existsSync("/sys/kernel") ? test : test.skip)(
  "the error about a folder that is not writable says so",
  () => {
    expect(() => new DemoFolder("/sys/kernel")).toThrow(
      /^The folder \/sys\/kernel is not writable \(E\w+\), /,
    );
  },
);
