import { spawnSync } from "node:child_process";
import { readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { tempFolder } from "../tests/support/temp-folder.ts";
import { PortClaims } from "./port-claims.ts";

test("a port that a demo claimed is not given to another until that demo ends", () => {
  const folder = tempFolder("port-claims");
  const first = new PortClaims(folder, process.pid);
  const second = new PortClaims(folder, process.ppid);
  expect(first.claim(3000)).toBe(true);
  expect(first.claim(3000)).toBe(false);
  expect(second.claim(3000)).toBe(false);
  expect(second.claim(3001)).toBe(true);
  expect(first.claim(3001)).toBe(false);
  first.release();
  expect(second.claim(3000)).toBe(true);
});

test("claims of dead demos are removed", () => {
  const folder = tempFolder("port-claims");
  const { pid } = spawnSync(process.execPath, ["--version"]);
  writeFileSync(join(folder, `3000-${pid}`), "");
  writeFileSync(join(folder, `3000-${process.pid}`), "");
  const claims = new PortClaims(folder);
  expect(readdirSync(folder)).toEqual([]);
  expect(claims.claim(3000)).toBe(true);
});

test("every copy of the kit claims in the same place", () => {
  const here = new PortClaims();
  const there = new PortClaims(undefined, process.ppid);
  try {
    expect(here.claim(1)).toBe(true); // a port that no demo uses
    expect(there.claim(1)).toBe(false);
  } finally {
    here.release();
    there.release();
  }
});
