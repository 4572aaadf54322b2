/** `npm test` as its user sees it: which suites will run, which one runs now, how long each took. */
import { spawnSync } from "node:child_process";
import { join } from "node:path";

const root = join(__dirname, "../..");
const npmTest = (...args: string[]) =>
  spawnSync(process.execPath, ["scripts/test.ts", ...args], {
    cwd: root,
    encoding: "utf8",
  });

test("it says which suites will run, which one runs now, and how long it took", () => {
  const { status, stdout } = npmTest("unit", "tests/version");
  expect(stdout).toMatch(/^Suites: unit\.$/m);
  expect(stdout).toMatch(/^== 1 of 1: unit ==$/m);
  expect(stdout).toMatch(/^== unit took (\d+ min )?\d+ s ==$/m);
  expect(stdout).toMatch(
    /^All of it took .*\.\n1 passed, 0 failed, 0 skipped$/m,
  );
  expect(status).toBe(0);
});

test("an empty word, such as an unset variable of a script, runs nothing", () => {
  for (const words of [[""], ["unit", ""]]) {
    const { status, stdout, stderr } = npmTest(...words);
    expect(stderr).toMatch(/^npm test: an empty word is part of every path: /);
    expect(stdout).toBe("");
    expect(status).toBe(1);
  }
});

test("a word that is neither a suite nor a part of a test file's path is an error", () => {
  for (const [words, message] of [
    [
      ["units"],
      /^npm test: units: no test file has this in its path\. The suites are format, lint, /,
    ],
    [
      ["unit", "end-to-end"],
      /^npm test: end-to-end: no test file of unit has /,
    ],
  ] as const) {
    const { status, stderr } = npmTest(...words);
    expect(stderr).toMatch(message);
    expect(status).toBe(1);
  }
});
