import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { spawnSync } from "node:child_process";
import { tempFolder } from "../tests/support/temp-folder.ts";
import { DemoFolder } from "./demo-folder.ts";

const newRoot = () => tempFolder("demo-folder");

test("a port that a living demo claimed is not given again until it ends", () => {
  const root = newRoot();
  const first = new DemoFolder(root, process.pid);
  const second = new DemoFolder(root, process.ppid);
  expect(first.claim(3000)).toBe(true);
  expect(second.claim(3000)).toBe(false);
  expect(second.claim(3001)).toBe(true);
  expect(first.claim(3001)).toBe(false);
  first.remove();
  expect(second.claim(3000)).toBe(true);
});

test("what a dead demo left, claims among it, is removed at the next start", () => {
  const root = newRoot();
  const { pid } = spawnSync(process.execPath, ["--version"]);
  const dead = join(root, ".dapr", `demo-${pid}`);
  mkdirSync(dead, { recursive: true });
  writeFileSync(join(dead, "port-3000"), "");
  const next = new DemoFolder(root);
  expect(existsSync(dead)).toBe(false);
  expect(next.claim(3000)).toBe(true);
});
