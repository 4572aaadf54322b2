/** Finds a command as the system's shell would. */
import { accessSync, constants, statSync } from "node:fs";
import { posix, win32 } from "node:path";

/** A path as it is, a name on PATH. On Windows with one of the endings in PATHEXT. */
export const lookUp = (command: string, path: string): string | undefined =>
  candidates(command, path).find(isExecutable);

/** The files that a command may mean, the first one first. */
export function candidates(
  command: string,
  path: string,
  platform = process.platform,
  pathExt = process.env["PATHEXT"] || ".COM;.EXE;.BAT;.CMD",
): string[] {
  const onWindows = platform === "win32";
  const { delimiter, join } = onWindows ? win32 : posix;
  const folders = (onWindows ? /[/\\]/ : /\//).test(command)
    ? [""]
    : path.split(delimiter);
  const endings = onWindows ? endingsOf(command, pathExt) : [""];
  return folders.flatMap((folder) =>
    endings.map((ending) =>
      folder === "" ? command + ending : join(folder, command + ending),
    ),
  );
}

/**
 * Windows runs no file without an ending. Beside `npm.cmd` lies a `npm`, which is for other shells: it must not be
 * found.
 */
function endingsOf(command: string, pathExt: string): string[] {
  const endings = pathExt.split(";").filter(Boolean);
  const hasOne = endings.some((ending) =>
    command.toLowerCase().endsWith(ending.toLowerCase()),
  );
  return hasOne ? ["", ...endings] : endings;
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return statSync(file).isFile();
  } catch {
    return false; // it does not exist, or we may not run it
  }
}
