/** Python 3 as it is called on each system, and where an environment of it keeps its programs. */
import { spawnSync } from "node:child_process";
import { join } from "node:path";

/** On Windows `python3` opens a shop. */
export const pythonCommand = (platform = process.platform): string =>
  platform === "win32" ? "python" : "python3";

/** A program of an environment that `python -m venv FOLDER` made. */
export const programIn = (
  venv: string,
  name: string,
  platform = process.platform,
): string =>
  platform === "win32"
    ? join(venv, "Scripts", `${name}.exe`)
    : join(venv, "bin", name);

/** Why no environment of Python's can be made, or `undefined`. */
export const pythonProblem = () =>
  spawnSync(pythonCommand(), ["-c", "import venv, ensurepip"], {
    stdio: "ignore",
  }).status === 0
    ? undefined
    : "Python 3 with its modules venv and ensurepip is not installed";
