/** The file of `--log-file`: appended to as it happens, so that a line survives whatever ends the process. */
import { openSync, writeSync } from "node:fs";

/** A full disk or a missing folder does not end the sidecar: said once on standard error, tried again with each line. */
export function createLogFile(path: string): (line: string) => void {
  let fd: number | undefined;
  let hasFailed = false;
  return (line) => {
    try {
      fd ??= openSync(path, "a");
      writeSync(fd, `${line}\n`);
      hasFailed = false;
    } catch (error) {
      if (!hasFailed)
        process.stderr.write(
          `daprd: --log-file ${path}: ${(error as Error).message}; the log goes on without it until it can be written\n`,
        );
      hasFailed = true;
    }
  };
}
