/** `npm test` as its user sees it: what is to come, where it is, how long each suite took. */
import { spawnSync } from "node:child_process";
import { join } from "node:path";

const root = join(__dirname, "../..");
const npmTest = (...args: string[]) =>
  spawnSync(process.execPath, ["scripts/test.ts", ...args], {
    cwd: root,
    encoding: "utf8",
  });

test("it says which suites come, which one runs, and how long it took", () => {
  const { status, stdout } = npmTest("--only", "unit", "tests/version");
  expect(stdout).toMatch(/^Suites: unit\.$/m);
  expect(stdout).toMatch(/^== 1 of 1: unit ==$/m);
  expect(stdout).toMatch(/^== unit took (\d+ min )?\d+ s ==$/m);
  expect(stdout).toMatch(
    /^All of it took .*\.\n1 passed, 0 failed, 0 skipped$/m,
  );
  expect(status).toBe(0);
});

test("a suite that is not there is named with those that are", () => {
  const { status, stderr } = npmTest("--only", "units");
  expect(stderr).toMatch(
    /^--only units: must be one of format, lint, proto, unit, /,
  );
  expect(status).toBe(1);
});
