/** `dapr run -f`: all apps of a run file, started one after the other, ended together. */
import type { AppSpec } from "./app-spec.ts";
import { assignPorts, checkApart } from "./assign-ports.ts";
import { checkComponents } from "./check-components.ts";
import { checkSpec } from "./check-spec.ts";
import type { CommandInput } from "../command.ts";
import { daprHome } from "../home.ts";
import { aborted } from "../ending.ts";
import type { StopWish } from "../ending.ts";
import { findInstances } from "../instances/instances.ts";
import type { Io } from "../io.ts";
import { givenPorts } from "./port-names.ts";
import { openRunFile } from "./open-run-file.ts";
import type { RunApp } from "./run-file-app.ts";
import type { runFlags } from "./run-flags.ts";
import { startOne } from "./run-many-app.ts";
import type { Run } from "./run-many-app.ts";
import { sayIfRunning } from "./say-if-running.ts";
import { endSession } from "./session.ts";
import { findSidecar } from "./sidecar-binary.ts";

export async function runMany(
  { flags, given, io }: CommandInput<typeof runFlags>,
  stop: StopWish,
): Promise<number> {
  warnAboutOtherFlags(given, io);
  const file = await openRunFile(flags["run-file"], flags["runtime-path"], io);
  if (!file) return 1;
  for (const { spec } of file.apps) spec["log-as-json"] = flags["log-as-json"];
  const run: Run = {
    file,
    home: daprHome(flags["runtime-path"]),
    binary: findSidecar(),
    io,
    stop,
    sessions: [],
    ending: false,
  };
  const failure = await startAll(run);
  if (failure === undefined) await aborted(stop.asked);
  if (failure === undefined || run.sessions.length > 0) await endAll(run);
  if (failure === undefined) return 0;
  // Printed last, where a reader looks: the exits of other apps are printed too.
  io.status("failure", failure);
  return 1;
}

const allowedWithFile = new Set([
  "run-file",
  "kubernetes",
  "runtime-path",
  "log-as-json",
  "help",
]);

function warnAboutOtherFlags(given: ReadonlySet<string>, io: Io) {
  const ignored = [...given]
    .filter((name) => !allowedWithFile.has(name))
    .sort();
  if (ignored.length > 0)
    io.status(
      "warning",
      `The following flags are ignored when using --run-file and should be configured in the run file instead: ${ignored.join(", ")}`,
    );
}

/** Why an app could not be started; undefined if all were started, or the user stopped the run meanwhile. */
async function startAll(run: Run): Promise<string | undefined> {
  const { file, io, stop } = run;
  const specs = file.apps.map(({ spec }) => spec);
  for (const [at, spec] of specs.entries()) {
    const wrong = await fault(run, spec, () =>
      checkApart(spec, specs.slice(0, at)),
    );
    if (wrong) return wrong;
  }
  for (const app of file.apps) {
    const { spec } = app;
    const wrong = await fault(run, spec, async () => {
      checkSpec(spec, run.binary.own);
      await checkComponents(spec);
      const others = portsOfOthers(run, app);
      const running = await findInstances();
      await assignPorts(spec, running, others);
      sayIfRunning(spec["app-id"], running, io);
    });
    if (wrong) return wrong;
    try {
      await startOne(run, app);
    } catch (error) {
      return stop.asked.aborted
        ? undefined
        : `Error starting Dapr and app ("${spec["app-id"]}"): ${(error as Error).message}`;
    }
  }
  return undefined;
}

/** The check's error, in the original's words. */
async function fault(
  { file }: Run,
  spec: AppSpec,
  check: () => void | Promise<void>,
): Promise<string | undefined> {
  try {
    await check();
    return undefined;
  } catch (error) {
    return `Error validating run config for app "${spec["app-id"]}" present in ${file.path}: ${(error as Error).message}`;
  }
}

/** Ports given to other apps of the file, which may start later. */
const portsOfOthers = ({ file }: Run, own: RunApp) =>
  file.apps
    .filter((app) => app !== own)
    .flatMap(({ spec }) => givenPorts(spec));

async function endAll(run: Run) {
  run.ending = true;
  run.io.out("");
  run.io.status(
    "info",
    "Received signal to stop Dapr and app processes. Shutting down Dapr and app processes.",
  );
  await Promise.all(
    run.sessions.map(async (session) => {
      session.saySidecar(
        "info",
        "\ntermination signal received: shutting down",
      );
      await endSession(session, run.stop.forced);
      for (const log of Object.values(session.logs)) log.close();
    }),
  );
}
