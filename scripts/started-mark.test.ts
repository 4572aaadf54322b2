import { spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { tempFolder } from "../tests/support/temp-folder.ts";
import { StartedMark } from "./started-mark.ts";

test("a container is an orphan once the demo that started it is gone", () => {
  const root = tempFolder("started-mark");
  mkdirSync(join(root, ".dapr"));
  const mark = new StartedMark(root, "redis");
  expect(mark.isOrphan("abc")).toBe(false);
  mark.write("abc");
  expect(mark.isOrphan("abc")).toBe(false);
  const { pid } = spawnSync(process.execPath, ["--version"]);
  mark.write("abc", pid);
  expect(mark.isOrphan("abc")).toBe(true);
  expect(mark.isOrphan("another")).toBe(false);
  expect(new StartedMark(root, "kafka").isOrphan("abc")).toBe(false);
  mark.write("abc", process.ppid);
  expect(mark.isOrphan("abc")).toBe(false);
  const file = join(root, ".dapr", "started-redis");
  expect(statSync(file).mode & 0o777).toBe(0o600);
  // The ID of a process that started later.
  writeFileSync(file, readFileSync(file, "utf8").replace(/ \S+$/, " 1"));
  expect(mark.isOrphan("abc")).toBe(true);
  writeFileSync(file, "abc");
  expect(mark.isOrphan("abc")).toBe(false);
  mark.remove();
  expect(mark.isOrphan("abc")).toBe(false);
});
