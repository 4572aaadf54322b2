/** `dapr run` for one app: output and endings as in the original, line by line. */
import { appEnv } from "./app-spec.ts";
import type { AppSpec } from "./app-spec.ts";
import { drained, failed } from "./child.ts";
import type { Child } from "./child.ts";
import { aborted, untilJudged } from "../ending.ts";
import type { StopWish } from "../ending.ts";
import type { Io } from "../io.ts";
import { eachLine } from "../lines.ts";
import { reportDeafness } from "./report-deafness.ts";
import {
  endSession,
  sayAppExit,
  saySidecarExit,
  sayStarting,
  tellSidecar,
  waitUntilListening,
} from "./session.ts";
import type { Session } from "./session.ts";
import type { SidecarBinary } from "./sidecar-binary.ts";
import { CommandNotFound, startApp } from "./start-app.ts";
import { startSidecar } from "./start-sidecar.ts";

export async function runOne(
  spec: AppSpec,
  binary: SidecarBinary,
  io: Io,
  stop: StopWish,
  home: string,
): Promise<number> {
  const session: Session = {
    spec,
    sidecar: await startSidecar(spec, binary, {
      output: "inherit",
      home,
      warn: (message) => io.status("warning", message),
    }),
    saySidecar: io.status,
    sayApp: io.status,
  };
  const over = new AbortController();
  const ended = Promise.race([aborted(stop.asked), session.sidecar.exited]);
  void ended.then(() => over.abort());
  try {
    await bringUp(session, io, over.signal);
  } catch (error) {
    if (error instanceof CommandNotFound) {
      io.status(
        "failure",
        `Failed to find command ${spec.command[0]}: ${error.message}`,
      );
      await endSession({ ...session, saySidecar: () => {} }, stop.forced);
      io.status("success", "Start App failed, try to stop Dapr successfully");
      return 1;
    }
    if (!over.signal.aborted) {
      await endSession(session, stop.forced);
      throw error;
    }
  }
  await Promise.race([ended, session.app?.exited ?? new Promise(() => {})]);
  return windUp(session, io, stop);
}

async function bringUp(session: Session, io: Io, gone: AbortSignal) {
  const { spec, sidecar } = session;
  sayStarting(session);
  if (spec["app-port"] <= 0) await waitUntilListening(session, gone);
  if (spec.command.length > 0) {
    const app = await startApp(spec.command, {
      env: appEnv(spec),
      stdin: "inherit",
    });
    session.app = app;
    sidecar.watchApp(app.pid);
    showAppLines(app, io);
    reportDeafness(io, session, "console", gone);
  }
  await tellSidecar(session, "cliPID", String(process.pid), gone);
  if (!session.app) {
    io.status(
      "success",
      "You're up and running! Dapr logs will appear here.\n",
    );
    return;
  }
  io.status("info", `Updating metadata for appPID: ${session.app.pid}`);
  await tellSidecar(session, "appPID", String(session.app.pid), gone);
  const command = spec.command.join(" ");
  io.status("info", `Updating metadata for app command: ${command}`);
  if (await tellSidecar(session, "appCommand", command, gone))
    io.status(
      "success",
      "You're up and running! Both Dapr and your app logs will appear here.\n",
    );
}

function showAppLines(app: Child, io: Io) {
  const prefix = io.colour ? "\x1b[94;1m== APP == \x1b[0m" : "== APP == ";
  for (const source of [app.process.stdout, app.process.stderr])
    if (source) eachLine(source, (line) => io.out(prefix + line));
}

async function windUp(
  session: Session,
  io: Io,
  stop: StopWish,
): Promise<number> {
  const { app, sidecar } = session;
  if (app?.exit && !stop.asked.aborted) await drained(app);
  if ([app?.exit, sidecar.exit].some((exit) => exit && failed(exit)))
    await untilJudged(stop.asked);
  if (!stop.asked.aborted) {
    session.diedUnasked = true;
    if (app?.exit) {
      sayAppExit(session, app.exit, ({ code }) => String(code));
    }
    if (sidecar.exit) saySidecarExit(session, sidecar.exit);
  }
  io.status("info", "\nterminated signal received: shutting down");
  return (await endSession(session, stop.forced)) ? 0 : 1;
}
