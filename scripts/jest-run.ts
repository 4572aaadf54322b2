/** Runs Jest on some test files, and kills it if it does not end by itself. */
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { existsSync, rmSync } from "node:fs";
import { join } from "node:path";
import { root } from "./docker.ts";
import { echo } from "./echo.ts";

export interface JestRun {
  /** Paths from the project's folder. */
  files: string[];
  /** How many files run at the same time. */
  workers: number;
  /** The file for Jest's report. It is missing if Jest breaks off. */
  output: string;
  /** Printed before each line, for when other suites print at the same time. */
  prefix?: string;
}

/** The limit for one run: far more than any needs on the slowest machine. */
const limitMs = 60 * 60_000;
/** The limit from a run's last result to its end. What is still open then is a leak. */
const endMs = 60_000;

/** Resolves with the reason if Jest had to be killed. */
export async function runJest({
  files,
  workers,
  output,
  prefix,
}: JestRun): Promise<string | undefined> {
  rmSync(output, { force: true });
  const run = spawn(
    process.execPath,
    [
      join(root, "tests/node_modules/jest/bin/jest.js"),
      "--config=tests/jest.config.mjs",
      "--ci",
      workers > 1 ? `--maxWorkers=${workers}` : "--runInBand",
      "--json",
      `--outputFile=${output}`,
      ...files.map((file) => `--testMatch=**/${file}`),
    ],
    { cwd: root, stdio: prefix ? ["ignore", "pipe", "pipe"] : "inherit" },
  );
  if (prefix) echo(run, prefix);
  return untilEnd(run, output);
}

async function untilEnd(
  run: ChildProcess,
  output: string,
): Promise<string | undefined> {
  let hung: string | undefined;
  const endFor = (reason: string) => {
    hung = reason;
    run.kill("SIGKILL");
  };
  const limit = setTimeout(
    endFor,
    limitMs,
    `not over after ${limitMs / 60_000} minutes`,
  );
  let end: NodeJS.Timeout | undefined;
  const look = setInterval(() => {
    if (!end && existsSync(output))
      end = setTimeout(
        endFor,
        endMs,
        "its last test is over, but something that it opened is still open",
      );
  }, 1000);
  await once(run, "exit");
  clearTimeout(limit);
  clearTimeout(end);
  clearInterval(look);
  return hung;
}
