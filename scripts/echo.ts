/** Prints what a child writes, line by line, each after the prefix. */
import type { ChildProcess } from "node:child_process";
import { createInterface } from "node:readline";

export function echo({ stdout, stderr }: ChildProcess, prefix: string): void {
  for (const stream of [stdout, stderr])
    if (stream)
      createInterface({ input: stream }).on("line", (line) =>
        console.log(`${prefix}${line}`),
      );
}
