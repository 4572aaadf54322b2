/** The run file of `-f`, with what is to be said of it: on stdout, as the original does. */
import type { Io } from "../io.ts";
import { findRunFile, readRunFile, type RunFile } from "./run-file.ts";

/** Undefined if it can't be used; that has been said then. Throws the original's errors if there is no such file. */
export async function openRunFile(
  argument: string,
  runtimePath: string,
  io: Io,
): Promise<RunFile | undefined> {
  const path = await findRunFile(argument);
  let file: RunFile;
  try {
    file = await readRunFile(path, runtimePath, (line) =>
      io.status("warning", line),
    );
  } catch (error) {
    io.status(
      "failure",
      `Error getting apps from config file: ${(error as Error).message}`,
      "stdout",
    );
    return undefined;
  }
  if (file.apps.length > 0) return file;
  io.status("failure", "No apps to run", "stdout");
  return undefined;
}
