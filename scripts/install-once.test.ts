import { mkdirSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { tempFolder } from "../tests/support/temp-folder.ts";
import { isInstalled } from "./install-once.ts";

test("a folder is installed when its packages are there and not older than its lock file", () => {
  const folder = tempFolder("install-once");
  const lock = join(folder, "package-lock.json");
  writeFileSync(lock, "{}");
  expect(isInstalled(folder)).toBe(false);
  mkdirSync(join(folder, "node_modules"));
  writeFileSync(join(folder, "node_modules", ".package-lock.json"), "{}");
  utimesSync(lock, 1, 1);
  expect(isInstalled(folder)).toBe(true);
  const later = Date.now() / 1000 + 60;
  utimesSync(lock, later, later);
  expect(isInstalled(folder)).toBe(false);
});
