/** Where the app's command is, and the PATH it runs with. */
import { execFile } from "node:child_process";
import { accessSync, constants, realpathSync, statSync } from "node:fs";
import { delimiter, dirname, join } from "node:path";
import { promisify } from "node:util";

/** Node runs TypeScript, which the kit's apps are written in, from this version on. */
const oldest = [22, 18] as const;

/**
 * The PATH for the app. When its `node` is too old for TypeScript, or missing,
 * the Node of this CLI comes first.
 */
export async function appPath(path: string): Promise<string> {
  const node = lookUp("node", path);
  if (node && realpathSync(node) === realpathSync(process.execPath))
    return path;
  if (node && (await isRecent(node))) return path;
  return `${dirname(process.execPath)}${delimiter}${path}`;
}

async function isRecent(node: string): Promise<boolean> {
  try {
    const { stdout } = await promisify(execFile)(node, ["--version"], {
      timeout: 5000,
    });
    const [major = 0, minor = 0] = stdout.slice(1).split(".").map(Number);
    return major > oldest[0] || (major === oldest[0] && minor >= oldest[1]);
  } catch {
    return false; // no Node, or one that does not run
  }
}

/** Looks a command up as a shell would: a path as it is, a name on PATH (and PATHEXT). */
export function lookUp(command: string, path: string): string | undefined {
  const endings =
    process.platform === "win32"
      ? ["", ...(process.env["PATHEXT"] ?? ".EXE;.CMD;.BAT").split(";")]
      : [""];
  const folders = /[/\\]/.test(command) ? [""] : path.split(delimiter);
  for (const folder of folders)
    for (const ending of endings) {
      const file =
        folder === "" ? command + ending : join(folder, command + ending);
      if (isExecutable(file)) return file;
    }
  return undefined;
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return statSync(file).isFile();
  } catch {
    return false; // it does not exist, or we may not run it
  }
}
