import {
  existsSync,
  mkdirSync,
  readFileSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { tempFolder } from "../../../tests/support/temp-folder.ts";
import { startOf } from "../../shared/process/start.ts";
import type { Instance } from "./instances.ts";
import {
  dropWatchToken,
  keepWatchToken,
  readWatchToken,
} from "./watch-tokens.ts";

const instance = async (started?: string) =>
  ({
    daprd: {
      pid: process.pid,
      started: started ?? (await startOf(process.pid)),
    },
  }) as Instance;

test("a token is read by who knows the process, and only its user may read the file", async () => {
  const home = tempFolder("tokens");
  await keepWatchToken(home, process.pid, "secret");
  expect(readWatchToken(await instance(), home)).toBe("secret");
  const file = join(home, "instances", `${process.pid}.json`);
  if (process.platform !== "win32") {
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(statSync(join(home, "instances")).mode & 0o777).toBe(0o700);
  }
  await dropWatchToken(home, process.pid);
  expect(existsSync(file)).toBe(false);
  expect(readWatchToken(await instance(), home)).toBeUndefined();
  await dropWatchToken(home, process.pid);
});

test("a later process with the same ID has no token", async () => {
  const home = tempFolder("tokens");
  await keepWatchToken(home, process.pid, "secret");
  expect(readWatchToken(await instance("another start"), home)).toBeUndefined();
});

test("the next one removes what a killed run has left, and nothing else", async () => {
  const home = tempFolder("tokens");
  const folder = join(home, "instances");
  mkdirSync(folder);
  const { pid } = spawnSync(process.execPath, ["--version"]);
  const left = { started: "1", watchToken: "old" };
  writeFileSync(join(folder, `${pid}.json`), JSON.stringify(left));
  writeFileSync(join(folder, "note.txt"), "mine");
  writeFileSync(join(folder, "1.json"), "not ours");
  await keepWatchToken(home, process.pid, "secret");
  expect(existsSync(join(folder, `${pid}.json`))).toBe(false);
  expect(readFileSync(join(folder, "note.txt"), "utf8")).toBe("mine");
  expect(readFileSync(join(folder, "1.json"), "utf8")).toBe("not ours");
});

test("of a process that has ended nothing is kept", async () => {
  const home = tempFolder("tokens");
  const { pid } = spawnSync(process.execPath, ["--version"]);
  await keepWatchToken(home, pid, "secret");
  expect(existsSync(join(home, "instances"))).toBe(false);
});
