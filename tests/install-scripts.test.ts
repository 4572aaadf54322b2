/** npm warns about every install script that allowScripts neither allows nor denies, so each is decided. */
import { readFileSync } from "node:fs";
import { join } from "node:path";

const read = (path: string) =>
  JSON.parse(readFileSync(join(__dirname, "..", path), "utf8"));

interface Locked {
  packages: Record<string, { hasInstallScript?: boolean; optional?: boolean }>;
}

test.each([
  "",
  "tests/",
  "tests/sdk/js/",
  "tutorials/sdk/javascript/",
  "tutorials/testing/",
  "runtime/kubernetes/",
])("./%spackage.json decides on each install script", (folder) => {
  const { packages } = read(`${folder}package-lock.json`) as Locked;
  const names = Object.entries(packages)
    .filter(([path, { hasInstallScript }]) => path && hasInstallScript)
    .map(([path]) => path.slice(path.lastIndexOf("node_modules/") + 13));
  const decided = read(`${folder}package.json`).allowScripts as object;
  expect(names.length).toBeGreaterThan(0);
  expect(names.filter((name) => !(name in decided))).toEqual([]);
});
