/** `dapr logs -a ID` on this machine: the file that `dapr run -f` writes. */
import { createReadStream } from "node:fs";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { CommandError } from "../command.ts";
import { findInstances, runDetails } from "../instances/instances.ts";
import { isLog, logPath, type LogOf } from "../instances/log-path.ts";
import type { Io } from "../io.ts";
import { printable } from "../printable.ts";

export async function printLogHere(
  appId: string,
  which: LogOf,
  io: Io,
): Promise<number> {
  const path =
    (await pathOfRunning(appId, which)) ?? (await newest(appId, which));
  if (!path)
    throw new CommandError(
      `could not get logs. Please check app-id (${appId}): no such app runs, and .dapr/logs here has no ${which} log of it. \`dapr list\` shows what runs`,
    );
  try {
    await pipeline(
      createReadStream(path, "utf8"),
      async function* (texts: AsyncIterable<string>) {
        for await (const text of texts) yield printable(text);
      },
      process.stdout,
      { end: false },
    );
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    // Whoever read our output has gone: `| head`.
    if (code === "EPIPE") return 0;
    throw new CommandError(`could not get logs: ${message}`);
  }
  io.status("success", "Fetched logs");
  return 0;
}

/** Undefined if no such app runs. Throws if its output went to a terminal. */
async function pathOfRunning(
  appId: string,
  which: LogOf,
): Promise<string | undefined> {
  const found = (await findInstances()).findLast((one) => one.appId === appId);
  if (!found) return undefined;
  const path = logPath(await runDetails(found), appId, which);
  if (path) return path;
  throw new CommandError(
    `could not get logs: those of app "${appId}" are printed by its own \`dapr run\`${found.cli ? ` (PID ${found.cli.pid})` : ""}. \`dapr run -f\` writes them to files, unless the run file says console`,
  );
}

/** Of an app that has ended; the names of files end in the time of their start. */
async function newest(
  appId: string,
  which: LogOf,
): Promise<string | undefined> {
  const folder = join(".dapr", "logs");
  const names = await readdir(folder).catch(() => []);
  const last = names
    .filter((name) => isLog(name, appId, which))
    .sort()
    .at(-1);
  return last && join(folder, last);
}
