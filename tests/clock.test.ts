/** The clock decides no test, since a busy machine is no fault. CONTRIBUTING.md says what to do instead. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

const root = join(__dirname, "..");
/** The general limit of tests and hooks. No test may set a lower one. */
const generousMs = 600_000;

const upperBound =
  /expect\(\s*(?:(?:performance|Date)\.now\(\) - \w+|\w*(?:took|elapsed)\w*)\s*\)\s*\.toBeLessThan/gi;
const limit =
  /^(?:jest\.setTimeout\(|\s*\}, |\s*(?:before|after)(?:All|Each)\(.*, )(\d[\d_]{4,})\);$|^\s*\},\n\s*(\d[\d_]{4,}),\n\s*\);$/gm;

const inspected = ["runtime", "scripts", "bench", "tests"]
  .flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true }).map(
      (path) => `${folder}/${path}`,
    ),
  )
  .filter((path) => !path.includes("node_modules") && path.endsWith(".ts"))
  .filter((path) => path.endsWith(".test.ts") || path.startsWith("tests/"))
  .map((path) => ({ path, text: readFileSync(join(root, path), "utf8") }));

const places = (found: (text: string) => RegExpExecArray[]) =>
  inspected.flatMap(({ path, text }) =>
    found(text).map(
      ({ index, 0: what }) =>
        `${path}:${text.slice(0, index).split("\n").length}: ${what}`,
    ),
  );

test("the test files are found", () => {
  expect(inspected.length).toBeGreaterThan(200);
});

test("no test expects something to take less than a time on the clock", () => {
  expect(places((text) => [...text.matchAll(upperBound)])).toEqual([]);
});

test("no test has a lower limit than the general one", () => {
  expect(
    places((text) =>
      [...text.matchAll(limit)].filter(
        ([, ms, own = ms ?? ""]) =>
          Number(own.replaceAll("_", "")) < generousMs,
      ),
    ),
  ).toEqual([]);
});
