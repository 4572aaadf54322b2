import { readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { tempFolder } from "../tests/support/temp-folder.ts";
import { removeOldLogs } from "./demo-logs.ts";

test("the newest logs of each app and sidecar stay, and so do files that are no logs of a run", () => {
  const folder = tempFolder("demo-logs");
  const names = [
    "a_app_20260101000000.log",
    "a_app_20260102000000.log",
    "a_app_20260103000000.log",
    "a_daprd_20260101000000.log",
    "b_app_20250101000000.log",
    "mine.log",
  ];
  for (const name of names) writeFileSync(join(folder, name), "");
  removeOldLogs(folder, 2);
  expect(readdirSync(folder).sort()).toEqual(names.slice(1));
});

test("a folder that does not exist is no error", () => {
  expect(() => removeOldLogs("/nowhere/at-all", 2)).not.toThrow();
});
