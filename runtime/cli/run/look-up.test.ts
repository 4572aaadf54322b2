import { chmodSync, writeFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { tempFolder } from "../../../tests/support/temp-folder.ts";
import { candidates, lookUp } from "./look-up.ts";

test("commands are looked up on PATH, paths are taken as they are", () => {
  const dir = tempFolder("look-up");
  const tool = join(dir, "tool");
  writeFileSync(tool, "#!/bin/sh\n");
  expect(lookUp("tool", `/nonexistent${delimiter}${dir}`)).toBeUndefined(); // not executable
  chmodSync(tool, 0o755);
  expect(lookUp("tool", `/nonexistent${delimiter}${dir}`)).toBe(tool);
  expect(lookUp(tool, "")).toBe(tool);
  expect(lookUp("tool", "")).toBeUndefined();
});

const onWindows = (command: string, path: string) =>
  candidates(command, path, "win32", ".EXE;.CMD");

test("on Windows a name gets an ending, so that npm's script for other shells is not taken", () => {
  expect(onWindows("npm", "C:\\a;D:\\b c")).toEqual([
    "C:\\a\\npm.EXE",
    "C:\\a\\npm.CMD",
    "D:\\b c\\npm.EXE",
    "D:\\b c\\npm.CMD",
  ]);
});

test("on Windows an ending that is given comes first, and a dot in the name is none", () => {
  expect(onWindows("npm.cmd", "C:\\a")).toEqual([
    "C:\\a\\npm.cmd",
    "C:\\a\\npm.cmd.EXE",
    "C:\\a\\npm.cmd.CMD",
  ]);
  expect(onWindows("python3.12", "C:\\a")).toEqual([
    "C:\\a\\python3.12.EXE",
    "C:\\a\\python3.12.CMD",
  ]);
});

test("on Windows both slashes make a path", () => {
  expect(onWindows(".\\app", "C:\\a")).toEqual([".\\app.EXE", ".\\app.CMD"]);
  expect(onWindows("bin/app.exe", "C:\\a")[0]).toBe("bin/app.exe");
});

test("elsewhere a backslash is a letter, and a name is taken as it is", () => {
  expect(candidates("a\\b", "/x:/y z", "darwin")).toEqual([
    "/x/a\\b",
    "/y z/a\\b",
  ]);
});
