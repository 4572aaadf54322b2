import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { tempFolder } from "../tests/support/temp-folder.ts";
import { licenses, packagesOfFiles } from "./licenses.ts";

test("each package is found once, by any of its files", () => {
  expect(
    packagesOfFiles([
      "runtime/entries/dapr.ts",
      "node_modules/yaml/browser/index.js",
      "node_modules/yaml/browser/dist/index.js",
      "node_modules/@bufbuild/cel/dist/index.js",
      "node_modules/a/node_modules/b/index.js",
    ]),
  ).toEqual([
    "node_modules/yaml",
    "node_modules/@bufbuild/cel",
    "node_modules/a/node_modules/b",
  ]);
});

function makePackage(manifest: object, files: Record<string, string> = {}) {
  const folder = tempFolder("licenses");
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, "package.json"), JSON.stringify(manifest));
  for (const [name, text] of Object.entries(files))
    writeFileSync(join(folder, name), text);
  return folder;
}

test("each has its version, license and text, in order of the names", () => {
  const one = { version: "1.0.0", license: "MIT" };
  const text = licenses([
    makePackage({ name: "b", ...one }, { LICENCE: "You may.\n" }),
    makePackage({ name: "a", ...one }),
    makePackage({ name: "c", version: "2.0.0" }, { "license.md": "As well." }),
  ]);
  const line = "-".repeat(80);
  expect(text.split(`\n\n${line}\n\n`).slice(1)).toEqual([
    "a 1.0.0: MIT",
    "b 1.0.0: MIT\n\nYou may.",
    "c 2.0.0: see below\n\nAs well.",
  ]);
});

test("a package that says nothing of its license ends the build", () => {
  const folder = makePackage({ name: "mute", version: "1.0.0" });
  expect(() => licenses([folder])).toThrow(
    `${folder} says nothing of its license`,
  );
});
