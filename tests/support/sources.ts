/** The shipped sources of a folder: TypeScript and the launcher's JavaScript, without tests. */
import { globSync } from "node:fs";
import { join } from "node:path";

const root = join(__dirname, "..", "..");

/** Their paths from the project's folder, in which tests run. */
export const sources = (folder: string): string[] =>
  globSync(`${folder}/**/*.{ts,js}`, { cwd: root }).filter(
    (file) => !/(^|\/)(node_modules|dist)\/|\.test\.ts$|\.d\.ts$/.test(file),
  );
