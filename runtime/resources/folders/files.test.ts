import { spawnSync } from "node:child_process";
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Logger } from "../../shared/log.ts";
import { documentsIn } from "./files.ts";
import { textOf } from "../values/yaml.ts";

let folder: string;
let lines: string[];
const log = { warn: (line: string) => lines.push(line) } as unknown as Logger;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "folder-files-"));
  lines = [];
});
afterEach(() => rmSync(folder, { recursive: true }));

const read = () =>
  [...documentsIn([folder], log)].map((document) =>
    document instanceof Error ? document.message : textOf(document),
  );

test("regular files are read in order of their names; all else is told and skipped", async () => {
  const at = (name: string) => join(folder, name);
  const server = createServer().listen(at("c.yaml"));
  try {
    writeFileSync(at("z.yaml"), "last");
    writeFileSync(at("B.YML"), "first");
    symlinkSync("z.yaml", at("f.yaml"));
    mkdirSync(at("a.yaml"));
    spawnSync("mkfifo", [at("b.yaml")]);
    writeFileSync(at("d.yaml"), " ".repeat(1024 * 1024 + 1));
    symlinkSync("nowhere", at("e.yaml"));
    symlinkSync("/dev/zero", at("g.yaml"));
    symlinkSync("h.yaml", at("h.yaml"));
    writeFileSync(at("notes.txt"), "");
    mkdirSync(at("below"));
    mkdirSync(at("real"));
    symlinkSync("real", at("..data"));
    await new Promise((done) => server.once("listening", done));
    expect(read()).toEqual(["first", "last", "last"]);
  } finally {
    server.close();
  }
  const told = (name: string, why: string) =>
    `${join(folder, name)} was not loaded: ${why}`;
  expect(lines).toEqual([
    told("a.yaml", "it is a folder, not a file"),
    told("b.yaml", "it is a pipe, not a file"),
    told("c.yaml", "it is a socket or a device, not a file"),
    told("d.yaml", "it has 1048577 bytes, more than the 1048576 that are read"),
    told("e.yaml", "it is a link that leads nowhere: there is no nowhere"),
    told("g.yaml", "it is a device, not a file"),
    told("h.yaml", "it is a link that leads back to itself (ELOOP)"),
    "A non-YAML file notes.txt was detected, it will not be loaded",
  ]);
});

test("a file instead of a folder, and one that is not there, say what to do", () => {
  const file = join(folder, "file");
  writeFileSync(file, "");
  expect(() => [...documentsIn([file], log)]).toThrow(
    `could not read the resources directory ${file}: it is a file; give the folder that it is in`,
  );
  expect(() => [...documentsIn([`${folder}/no`], log)]).toThrow(
    "it does not exist; give an existing folder to --resources-path",
  );
});

const asRoot = process.getuid?.() === 0;
(asRoot ? test.skip : test)("a file without rights is told", () => {
  const file = join(folder, "a.yaml");
  writeFileSync(file, "x");
  chmodSync(file, 0);
  expect(read()).toEqual([]);
  expect(lines).toEqual([
    `${file} was not loaded: this user has no right to read it (EACCES)`,
  ]);
});
