/** `dapr logs -a ID` on this machine: the file that `dapr run -f` writes. */
import { createReadStream, existsSync } from "node:fs";
import { readdir } from "node:fs/promises";
import { basename, join } from "node:path";
import { CommandError } from "../command.ts";
import { findInstances, runDetails } from "../instances/instances.ts";
import type { Io } from "../io.ts";
import { eachLine } from "../lines.ts";
import { printable } from "../printable.ts";

export async function printLogHere(
  appId: string,
  which: "app" | "daprd",
  io: Io,
): Promise<number> {
  const path =
    (await pathOfRunning(appId, which)) ?? (await newest(appId, which));
  if (!path)
    throw new CommandError(
      `could not get logs. Please check app-id (${appId}): no such app runs, and .dapr/logs here has no ${which} log of it. \`dapr list\` shows what runs`,
    );
  const source = createReadStream(path);
  const read = new Promise<void>((resolve, reject) => {
    source.on("error", (error) =>
      reject(new CommandError(`could not get logs: ${error.message}`)),
    );
    source.on("close", resolve);
  });
  eachLine(source, (line) => io.out(printable(line)));
  await read;
  io.status("success", "Fetched logs");
  return 0;
}

/** Undefined if no such app runs. Throws if its output went to a terminal. */
async function pathOfRunning(
  appId: string,
  which: "app" | "daprd",
): Promise<string | undefined> {
  const found = (await findInstances()).findLast((one) => one.appId === appId);
  if (!found) return undefined;
  const details = await runDetails(found);
  const path = which === "app" ? details.appLogPath : details.daprdLogPath;
  // Whoever reaches the sidecar can write its metadata, so not any file is taken for a log.
  if (isLog(basename(path), appId, which) && existsSync(path)) return path;
  throw new CommandError(
    `could not get logs: those of app "${appId}" are printed by its own \`dapr run\`${found.cli ? ` (PID ${found.cli.pid})` : ""}. \`dapr run -f\` writes them to files, unless the run file says console`,
  );
}

/** Of an app that has ended; the names of files end in the time of their start. */
async function newest(
  appId: string,
  which: "app" | "daprd",
): Promise<string | undefined> {
  const folder = join(".dapr", "logs");
  const names = await readdir(folder).catch(() => []);
  const last = names
    .filter((name) => isLog(name, appId, which))
    .sort()
    .at(-1);
  return last && join(folder, last);
}

function isLog(name: string, appId: string, which: "app" | "daprd"): boolean {
  const prefix = `${appId}_${which}_`;
  return (
    name.startsWith(prefix) && /^\d{14}\.log$/.test(name.slice(prefix.length))
  );
}
