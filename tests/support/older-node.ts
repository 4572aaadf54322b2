/** A Node before 24, for tests of what is said or done there. */
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { delimiter, join } from "node:path";

/** The first one in PATH; undefined if there is none. */
export const olderNode = (): string | undefined =>
  (process.env["PATH"] ?? "")
    .split(delimiter)
    .map((folder) => join(folder, "node"))
    .find(
      (node) =>
        existsSync(node) &&
        Number(nodeVersion(node).slice(1).split(".")[0]) < 24,
    );

/** Such as `v20.20.2`, with a line break. */
export const nodeVersion = (node: string): string =>
  spawnSync(node, ["--version"], { encoding: "utf8" }).stdout;
