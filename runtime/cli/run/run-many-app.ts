/** One app of a run file: its logs, its sidecar, the app, and what is said about them. */
import { join } from "node:path";
import { appEnv } from "./app-spec.ts";
import { sayIfNoComponents } from "./check-components.ts";
import { drained, exitText, failed } from "./child.ts";
import { untilJudged, type StopWish } from "../ending.ts";
import type { Io } from "../io.ts";
import { eachLine } from "../lines.ts";
import { fileStamp, logFolder, openLog } from "./log-destination.ts";
import type { LogTarget } from "./log-destination.ts";
import type { RunFile } from "./run-file.ts";
import type { RunApp } from "./run-file-app.ts";
import { reportDeafness } from "./report-deafness.ts";
import {
  sayAppExit,
  saySidecarExit,
  sayStarting,
  tellSidecar,
  waitUntilListening,
} from "./session.ts";
import type { Session } from "./session.ts";
import type { SidecarBinary } from "./sidecar-binary.ts";
import { startApp } from "./start-app.ts";
import { startSidecar } from "./start-sidecar.ts";

/** What the whole run shares. */
export interface Run {
  file: RunFile;
  /** `<dapr>` of this run; an app of the file may have another one. */
  home: string;
  binary: SidecarBinary;
  io: Io;
  stop: StopWish;
  sessions: LoggedSession[];
  /** Set once the apps are being ended: their exits are expected then. */
  ending: boolean;
}

interface LoggedSession extends Session {
  logs: { app: LogTarget; sidecar: LogTarget };
}

/** Starts the sidecar, then the app. What has started is in `run.sessions`, also when this throws. */
export async function startOne(run: Run, app: RunApp): Promise<void> {
  const { io, file } = run;
  const { spec } = app;
  io.status("info", `Validating config and starting app "${spec["app-id"]}"`);
  sayIfNoComponents(spec, io);
  if (spec.command[0] === "") throw new Error("exec: no command");
  const session = await openSession(run, app);
  const gone = whileNeeded(run, session);
  try {
    await bringUp(app, session, gone);
    await tellRun(run, session, gone);
  } catch (error) {
    gone.throwIfAborted();
    throw error;
  }
  reportLaterDeaths(run, session);
  reportDeafness(io, session, app.sidecarLog, gone);
  io.status(
    "info",
    `Started Dapr with app id "${spec["app-id"]}". HTTP Port: ${spec["dapr-http-port"]}. gRPC Port: ${spec["dapr-grpc-port"]}`,
  );
  if (session.logs.app.path || session.logs.sidecar.path)
    io.status("info", `Writing log files to directory : ${logFolder(app.dir)}`);
  if (spec.command.length === 0)
    io.status(
      "warning",
      `No application command found for app "${spec["app-id"]}" present in ${file.path}`,
    );
}

async function openSession(run: Run, app: RunApp): Promise<LoggedSession> {
  const { spec, dir } = app;
  const folder = logFolder(dir);
  const stamp = fileStamp();
  const logs = {
    app: openLog(run.io, {
      destination: app.appLog,
      file: join(folder, `${spec["app-id"]}_app_${stamp}.log`),
      prefix: `== APP - ${spec["app-id"]} == `,
      colour: run.sessions.length,
      glyphs: false,
    }),
    sidecar: openLog(run.io, {
      destination: app.sidecarLog,
      file: join(folder, `${spec["app-id"]}_daprd_${stamp}.log`),
      glyphs: true,
    }),
  };
  const outputs = {
    file: logs.sidecar.fd!, // the sidecar writes it itself, so that its last lines outlive this CLI
    console: "inherit",
    fileAndConsole: "pipe",
  } as const;
  const sidecar = await startSidecar(spec, run.binary, {
    cwd: dir,
    env: process.env["DAPR_HOST_IP"] ? {} : { DAPR_HOST_IP: "127.0.0.1" },
    output: outputs[app.sidecarLog],
    home: run.home,
    warn: (message) => run.io.status("warning", message),
  });
  for (const source of [sidecar.process.stdout, sidecar.process.stderr])
    if (source) eachLine(source, logs.sidecar.line);
  const session = {
    spec,
    sidecar,
    saySidecar: logs.sidecar.status,
    sayApp: logs.app.status,
    logs,
  };
  run.sessions.push(session);
  return session;
}

/** Aborts when the run ends or the sidecar does. */
function whileNeeded(
  { stop }: Run,
  { sidecar, spec, logs }: LoggedSession,
): AbortSignal {
  const gone = new AbortController();
  void sidecar.exited.then((exit) =>
    gone.abort(
      new Error(
        sidecarDeath(spec["app-id"], exitText(exit), logs.sidecar.path),
      ),
    ),
  );
  return AbortSignal.any([gone.signal, stop.asked]);
}

const sidecarDeath = (appId: string, how: string, log: string) =>
  `the daprd process of app "${appId}" exited: ${how}.${log ? ` Its log says why: ${log}` : ""}`;

async function bringUp(
  { dir, env }: RunApp,
  session: LoggedSession,
  gone: AbortSignal,
) {
  const { spec, saySidecar } = session;
  sayStarting(session);
  await waitUntilListening(session, gone);
  saySidecar("info", `Updating metadata for cliPID: ${process.pid}`);
  await tellSidecar(session, "cliPID", String(process.pid), gone);
  if (spec.command.length > 0) {
    const app = await startApp(spec.command, {
      cwd: dir,
      env: { ...appEnv(spec), ...env },
      byShell: true,
      stdin: "ignore",
    });
    session.app = app;
    session.sidecar.watchApp(app.pid);
    for (const source of [app.process.stdout, app.process.stderr])
      if (source) eachLine(source, session.logs.app.line);
    const command = spec.command.join(" ");
    saySidecar("info", `Updating metadata for app command: ${command}`);
    await tellSidecar(session, "appCommand", command, gone);
    saySidecar("info", `Updating metadata for appPID: ${app.pid}`);
    await tellSidecar(session, "appPID", String(app.pid), gone);
  }
  saySidecar("success", "You're up and running! Dapr logs will appear here.\n");
}

async function tellRun(
  { file }: Run,
  session: LoggedSession,
  gone: AbortSignal,
) {
  const entries = {
    runTemplatePath: file.path,
    runTemplateName: file.name,
    appLogPath: session.logs.app.path,
    daprdLogPath: session.logs.sidecar.path,
  };
  for (const [key, value] of Object.entries(entries))
    if (value !== "") await tellSidecar(session, key, value, gone);
}

/** Later exits don't end the run. They are printed where the user looks, whatever the log destination. */
function reportLaterDeaths(run: Run, session: LoggedSession) {
  const { sidecar, app, spec, logs } = session;
  const isNews = () => !run.ending && !run.stop.asked.aborted;
  void sidecar.exited.then(async (exit) => {
    if (failed(exit)) await untilJudged(run.stop.asked);
    if (!isNews()) return;
    session.diedUnasked = true;
    saySidecarExit(session, exit);
    if (logs.sidecar.path)
      run.io.status(
        "failure",
        sidecarDeath(spec["app-id"], exitText(exit), logs.sidecar.path),
      );
  });
  void app?.exited.then(async (exit) => {
    await drained(app);
    if (failed(exit)) await untilJudged(run.stop.asked);
    if (!isNews()) return;
    session.diedUnasked = true;
    sayAppExit(session, exit, exitText);
  });
}
