/** The logs of an app's pods and their sidecars, as they come. */
import { join } from "node:path";
import { delay } from "../../shared/timers.ts";
import type { Io } from "../io.ts";
import { printable } from "../printable.ts";
import {
  fileStamp,
  logFolder,
  openLog,
  type LogTarget,
} from "../run/log-destination.ts";
import type { RunApp } from "../run/run-file-app.ts";
import { appNamespace } from "./app-manifests.ts";
import { followKubectl } from "./follow-kubectl.ts";
import { isThere } from "./kubectl.ts";

/** A pod's log ends when it restarts: so long until its next one is asked for. */
const againMs = 1000;

/** Resolves when its Deployment is gone, or the signal aborts. Rejects if the cluster no longer answers. */
export async function followApp(
  app: RunApp,
  at: number,
  io: Io,
  over: AbortSignal,
): Promise<void> {
  const id = app.spec["app-id"];
  const folder = logFolder(app.dir);
  const stamp = fileStamp();
  const target = openLog(io, {
    destination: app.appLog,
    file: join(folder, `${id}_app_${stamp}.log`),
    prefix: `== APP - ${id} == `,
    colour: at,
    glyphs: false,
  });
  const sidecar = openLog(io, {
    destination: app.sidecarLog,
    file: join(folder, `${id}_daprd_${stamp}.log`),
    glyphs: true,
  });
  try {
    await Promise.all([
      followContainer(id, id, target, over),
      followContainer(id, "daprd", sidecar, over),
    ]);
  } finally {
    target.close();
    sidecar.close();
  }
}

async function followContainer(
  id: string,
  container: string,
  target: LogTarget,
  over: AbortSignal,
) {
  for (let since: string | undefined; !over.aborted;) {
    await followOnce(id, container, since, target, over);
    since = new Date().toISOString();
    if (over.aborted || !(await isThere(`deployment/${id}`, appNamespace)))
      return;
    await delay(againMs, undefined, { signal: over }).catch(() => {}); // aborted: the loop ends
  }
}

/** Until the pods end. What kubectl says of a pod that is not there yet is left out: it is asked again. */
const followOnce = (
  id: string,
  container: string,
  since: string | undefined,
  target: LogTarget,
  over: AbortSignal,
) =>
  followKubectl(
    [
      "logs",
      "--follow",
      "-n",
      appNamespace,
      "-l",
      `app=${id}`,
      "-c",
      container,
      "--tail=-1",
      "--max-log-requests=20",
      ...(since ? [`--since-time=${since}`] : []),
    ],
    (line) => target.line(printable(line)),
    over,
  );
