/** The temporary folder of the sidecars that this process runs: it is there while one of them is. */
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

export interface Folder {
  /** Of all sidecars of this process. */
  root: string;
  /** Where they find each other. */
  registry: string;
  /** Of this sidecar. */
  own: string;
  remove(): void;
}

let root: string | undefined;
let users = 0;
let number = 0;

export function takeFolder(): Folder {
  root ??= mkdtempSync(join(tmpdir(), "dapr-testing-"));
  users++;
  const shared = root;
  const own = join(shared, String(++number));
  mkdirSync(own);
  let isThere = true;
  return {
    root: shared,
    registry: join(shared, "sidecars"),
    own,
    remove() {
      if (!isThere) return;
      isThere = false;
      const isLast = --users === 0;
      if (isLast) root = undefined;
      rmSync(isLast ? shared : own, { recursive: true, force: true });
    },
  };
}
