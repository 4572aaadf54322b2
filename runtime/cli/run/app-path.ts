/** The PATH that the app runs with. */
import { execFile } from "node:child_process";
import { realpathSync } from "node:fs";
import { delimiter, dirname } from "node:path";
import { promisify } from "node:util";
import { lookUp } from "./look-up.ts";

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
