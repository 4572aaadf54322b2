/** The file of a thread. */
import { existsSync } from "node:fs";
import { join } from "node:path";

/** Beside its caller (in `here`) as source; in the bundle's root as `NAME.js` otherwise (scripts/build.ts). Throws when neither is there. */
export function workerFile(here: string, source: string, name: string): string {
  const files = [source, `${name}.js`, `../${name}.js`];
  const found = files.map((file) => join(here, file)).find(existsSync);
  if (!found)
    throw new Error(
      `a thread's file, ${name}.js, is missing beside ${here}; run npm run prepare`,
    );
  return found;
}
