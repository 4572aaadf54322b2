/** docs/cli.md has every command of the help, and none that does not exist. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { commands } from "../runtime/cli/commands/index.ts";
import { laterInHelp } from "../runtime/cli/commands/not-yet.ts";

test("the table of commands is that of the help", () => {
  const page = readFileSync(join(__dirname, "..", "docs", "cli.md"), "utf8");
  const [, table = ""] = /## Commands\n([^]*?)\n## /.exec(page) ?? [];
  const rows = [...table.matchAll(/^\| `([\w-]+)` +\| ([^|]*?) +\|/gm)].map(
    ([, name, supported]) => ({ name: name!, isThere: supported !== "no" }),
  );
  expect(
    rows
      .filter(({ isThere }) => isThere)
      .map(({ name }) => name)
      .sort(),
  ).toEqual(commands.map(({ name }) => name).sort());
  expect(
    rows
      .filter(({ isThere }) => !isThere)
      .map(({ name }) => name)
      .sort(),
  ).toEqual([...laterInHelp].sort());
});
