/** The file of `--log-file`. Each line is written at once, so that it survives whatever ends the process. */
import { openSync, writeSync } from "node:fs";

/** A full disk or a missing folder does not end the sidecar. It is reported once on standard error, and each line tries again. */
export function createLogFile(path: string): (line: string) => void {
  let fd: number | undefined;
  let hasFailed = false;
  /** Whether the last line was cut off: a disk that gets full takes only a part of it. */
  let isCut = false;
  return (line) => {
    try {
      fd ??= openSync(path, "a", 0o600);
      let rest = Buffer.from(`${isCut ? "\n" : ""}${line}\n`);
      while (rest.length > 0) {
        rest = rest.subarray(writeSync(fd, rest));
        isCut = rest.length > 0;
      }
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
