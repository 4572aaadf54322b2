/** `dapr run -f`: all apps of a run file, started one after the other, ended together. */
import { join } from "node:path";
import { appEnv, checkSpec } from "./app-spec.ts";
import { assignPorts } from "./assign-ports.ts";
import { exitText } from "./child.ts";
import { CommandError } from "./command.ts";
import type { Invocation } from "./command.ts";
import { aborted } from "./ending.ts";
import type { StopWish } from "./ending.ts";
import { findInstances } from "./instances.ts";
import type { Io } from "./io.ts";
import { eachLine } from "./lines.ts";
import { fileStamp, logFolder, openLog } from "./log-destination.ts";
import type { LogTarget } from "./log-destination.ts";
import { findRunFile, readRunFile } from "./run-file.ts";
import type { RunApp, RunFile } from "./run-file.ts";
import type { runFlags } from "./run-flags.ts";
import {
  endSession,
  sayAppExit,
  saySidecarExit,
  sayStarting,
  tellSidecar,
  waitUntilListening,
} from "./session.ts";
import type { Session } from "./session.ts";
import { findSidecar } from "./sidecar-binary.ts";
import type { SidecarBinary } from "./sidecar-binary.ts";
import { startApp } from "./start-app.ts";
import { startSidecar } from "./start-sidecar.ts";

type RunInvocation = Invocation<typeof runFlags>;

/** What the whole run shares. */
interface Run {
  file: RunFile;
  binary: SidecarBinary;
  io: Io;
  stop: StopWish;
  sessions: (Session & { logs: LogTarget[] })[];
  /** Set once the apps are being ended: their deaths are no news then. */
  ending: boolean;
}

export async function runMany(
  { flags, given, io }: RunInvocation,
  stop: StopWish,
): Promise<number> {
  warnAboutOtherFlags(given, io);
  const path = await findRunFile(flags["run-file"]);
  let file: RunFile;
  try {
    file = await readRunFile(path, flags["runtime-path"]);
  } catch (error) {
    io.out(`Error getting apps from config file: ${(error as Error).message}`);
    return 1;
  }
  if (file.apps.length === 0) {
    io.out("No apps to run");
    return 1;
  }
  for (const { spec } of file.apps) spec.logAsJson = flags["log-as-json"];
  const run: Run = {
    file,
    binary: findSidecar(),
    io,
    stop,
    sessions: [],
    ending: false,
  };
  const allStarted = await startAll(run);
  if (allStarted) await aborted(stop.asked);
  await endAll(run);
  return allStarted || stop.asked.aborted ? 0 : 1;
}

const allowedWithFile = new Set([
  "run-file",
  "kubernetes",
  "runtime-path",
  "log-as-json",
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

async function startAll(run: Run): Promise<boolean> {
  const { file, io, stop } = run;
  for (const app of file.apps) {
    const id = app.spec.appId;
    try {
      checkSpec(app.spec);
      await assignPorts(
        app.spec,
        await findInstances(),
        portsOfOthers(run, app),
      );
    } catch (error) {
      if (!(error instanceof CommandError)) throw error;
      io.status(
        "failure",
        `Error validating run config for app "${id}" present in ${file.path}: ${error.message}`,
      );
      return false;
    }
    try {
      await startOne(run, app);
    } catch (error) {
      if (stop.asked.aborted) return true;
      io.status(
        "failure",
        `Error starting Dapr and app ("${id}"): ${(error as Error).message}`,
      );
      return false;
    }
  }
  return true;
}

/** Ports given to other apps of the file, whose turn may still come. */
const portsOfOthers = ({ file }: Run, own: RunApp) =>
  file.apps
    .filter((app) => app !== own)
    .flatMap(({ spec }) => [
      spec.appPort,
      spec.daprHttpPort,
      spec.daprGrpcPort,
      spec.daprInternalGrpcPort,
      spec.metricsPort,
      spec.profilePort,
    ])
    .filter((port) => port > 0);

async function startOne(run: Run, app: RunApp) {
  const { io, file } = run;
  const { spec } = app;
  io.status("info", `Validating config and starting app "${spec.appId}"`);
  if (spec.command.length > 0 && spec.command[0] === "")
    throw new Error("exec: no command");
  const folder = logFolder(app.dir);
  const stamp = fileStamp();
  const appLog = openLog(io, {
    destination: app.appLog,
    file: join(folder, `${spec.appId}_app_${stamp}.log`),
    prefix: `== APP - ${spec.appId} == `,
    glyphs: false,
  });
  const sidecarLog = openLog(io, {
    destination: app.sidecarLog,
    file: join(folder, `${spec.appId}_daprd_${stamp}.log`),
    glyphs: true,
  });
  const direct =
    app.sidecarLog === "file"
      ? sidecarLog.fd!
      : app.sidecarLog === "console"
        ? "inherit"
        : "pipe";
  const sidecar = await startSidecar(spec, run.binary, {
    cwd: app.dir,
    env: process.env["DAPR_HOST_IP"] ? {} : { DAPR_HOST_IP: "127.0.0.1" },
    output: direct,
  });
  for (const source of [sidecar.process.stdout, sidecar.process.stderr])
    if (source) eachLine(source, sidecarLog.line);
  const session = {
    spec,
    sidecar,
    saySidecar: sidecarLog.status,
    sayApp: appLog.status,
    plain: sidecarLog.line,
    logs: [appLog, sidecarLog],
  };
  run.sessions.push(session);
  await bringUp(run, app, session, appLog);
  await tellRun(run, session, {
    appLogPath: appLog.path,
    daprdLogPath: sidecarLog.path,
  });
  reportLaterDeaths(run, session, sidecarLog);
  io.status(
    "info",
    `Started Dapr with app id "${spec.appId}". HTTP Port: ${spec.daprHttpPort}. gRPC Port: ${spec.daprGrpcPort}`,
  );
  if (appLog.path || sidecarLog.path)
    io.status("info", `Writing log files to directory : ${folder}`);
  if (spec.command.length === 0)
    io.status(
      "warning",
      `No application command found for app "${spec.appId}" present in ${file.path}`,
    );
}

/** Aborts with the run's end or with the sidecar's. */
function whileNeeded({ stop }: Run, { sidecar, spec }: Session): AbortSignal {
  const gone = new AbortController();
  void sidecar.exited.then((exit) =>
    gone.abort(
      new Error(
        `the daprd process of "${spec.appId}" exited: ${exitText(exit)}`,
      ),
    ),
  );
  return AbortSignal.any([gone.signal, stop.asked]);
}

async function bringUp(
  run: Run,
  app: RunApp,
  session: Session,
  appLog: LogTarget,
) {
  const { spec } = app;
  const gone = whileNeeded(run, session);
  sayStarting(session);
  await waitUntilListening(session, gone);
  session.saySidecar("info", `Updating metadata for cliPID: ${process.pid}`);
  await tellSidecar(session, "cliPID", String(process.pid), gone);
  if (spec.command.length > 0) {
    session.app = await startApp(spec.command, {
      cwd: app.dir,
      env: { ...appEnv(spec), ...app.env },
      byShell: true,
      stdin: "ignore",
    });
    session.sidecar.watchApp(session.app.pid);
    for (const source of [
      session.app.process.stdout,
      session.app.process.stderr,
    ])
      if (source) eachLine(source, appLog.line);
    const command = spec.command.join(" ");
    session.saySidecar("info", `Updating metadata for app command: ${command}`);
    await tellSidecar(session, "appCommand", command, gone);
    session.saySidecar(
      "info",
      `Updating metadata for appPID: ${session.app.pid}`,
    );
    await tellSidecar(session, "appPID", String(session.app.pid), gone);
  }
  session.saySidecar(
    "success",
    "You're up and running! Dapr logs will appear here.\n",
  );
}

async function tellRun(
  run: Run,
  session: Session,
  logs: { appLogPath: string; daprdLogPath: string },
) {
  const gone = whileNeeded(run, session);
  const entries = {
    runTemplatePath: run.file.path,
    runTemplateName: run.file.name,
    ...logs,
  };
  for (const [key, value] of Object.entries(entries))
    if (value !== "") await tellSidecar(session, key, value, gone);
}

/** Later deaths don't end the run; they are said where the user looks, whatever the log destination. */
function reportLaterDeaths(run: Run, session: Session, sidecarLog: LogTarget) {
  const { sidecar, app, spec } = session;
  void sidecar.exited.then((exit) => {
    if (run.ending || run.stop.asked.aborted) return;
    saySidecarExit(session, exit);
    if (sidecarLog.path)
      run.io.status(
        "failure",
        `The daprd process of app "${spec.appId}" exited: ${exitText(exit)}. Its log: ${sidecarLog.path}`,
      );
  });
  void app?.exited.then(async (exit) => {
    await Promise.race([app.drained, aborted(AbortSignal.timeout(1000))]);
    if (!run.ending && !run.stop.asked.aborted)
      sayAppExit(session, exit, exitText);
  });
}

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
      for (const log of session.logs) log.close();
    }),
  );
}
