import { withoutImports } from "./builtins-plugin.ts";

test("named imports of Node's modules become constants; types and other imports stay as they are", () => {
  expect(
    withoutImports(`import { join } from "node:path";
import {
  readFile as read,
  type Stats,
  writeFile,
} from "node:fs/promises";
import type { Socket } from "node:net";
import { log } from "./log.ts";
const text = 'import { x } from "node:y";';
`),
  ).toBe(`const { join } = process.getBuiltinModule("node:path");
const { readFile: read, writeFile } = process.getBuiltinModule("node:fs/promises");




import type { Socket } from "node:net";
import { log } from "./log.ts";
const text = 'import { x } from "node:y";';
`);
});
