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

test("functions of seldom used modules load them when they are called; classes and values are constants", () => {
  expect(
    withoutImports(`import {
  randomUUID as uuid,
} from "node:crypto";
import { createHash, X509Certificate } from "node:crypto";
import { constants } from "node:crypto";
`),
  )
    .toBe(`const uuid = (...given) => process.getBuiltinModule("node:crypto").randomUUID(...given);


const { createHash, X509Certificate } = process.getBuiltinModule("node:crypto");
const { constants } = process.getBuiltinModule("node:crypto");
`);
});
