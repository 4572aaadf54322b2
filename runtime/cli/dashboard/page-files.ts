/** The page as scripts/build.ts made it, and the headers it is served with. */
import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { CommandError } from "../command.ts";

export interface PageFile {
  type: string;
  bytes: Buffer;
}

const files = {
  "/": ["index.html", "text/html; charset=utf-8"],
  "/dashboard.js": ["dashboard.js", "text/javascript; charset=utf-8"],
  "/dashboard.css": ["dashboard.css", "text/css; charset=utf-8"],
} as const;

/** By path. */
export function readPage(): Map<string, PageFile> {
  const folder = pageFolder();
  return new Map(
    Object.entries(files).map(([path, [name, type]]) => [
      path,
      { type, bytes: readFileSync(join(folder, name)) },
    ]),
  );
}

/** In `dist/`, above this file's bundle or its source. */
function pageFolder(): string {
  for (
    let dir = import.meta.dirname;
    dir !== dirname(dir);
    dir = dirname(dir)
  ) {
    const folder = join(dir, "dist", "dashboard");
    if (existsSync(folder)) return folder;
  }
  throw new CommandError(
    "the dashboard's page is missing beside this CLI: run `npm install` again, which makes it",
  );
}

/** Nothing but the page's own files is loaded, no text becomes code, and no other page may hold this one or read it. */
export const pageHeaders = {
  "content-security-policy":
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'",
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-resource-policy": "same-origin",
  "referrer-policy": "no-referrer",
  "x-content-type-options": "nosniff",
  "x-frame-options": "DENY",
  "cache-control": "no-store",
} as const;
