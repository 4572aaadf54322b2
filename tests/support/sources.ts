/** The shipped sources of a folder at the root: TypeScript and the launcher's JavaScript, without tests. */
import { globSync } from "node:fs";
import { join } from "node:path";

const root = join(__dirname, "..", "..");

/** Paths from the root, which tests run in. */
export const sources = (folder: string): string[] =>
  globSync(`${folder}/**/*.{ts,js}`, { cwd: root }).filter(
    (file) => !/(^|\/)(node_modules|dist)\/|\.test\.ts$|\.d\.ts$/.test(file),
  );
