/**
 * One app with its sidecar, from start to end. The caller chooses where its
 * lines go; what they say is the same for one app and for many.
 */
import { rm } from "node:fs/promises";
import { addressOf, socketPath } from "./app-spec.ts";
import type { AppSpec } from "./app-spec.ts";
import { end, exitText, failed, signalText } from "./child.ts";
import type { Child, Exit } from "./child.ts";
import type { Status } from "../io.ts";
import { whyNotOwn } from "./own-sidecar.ts";
import { tell, waitUntil } from "./ready.ts";
import type { SidecarProcess } from "./start-sidecar.ts";

export type Say = (status: Status, message: string) => void;

export interface Session {
  spec: AppSpec;
  sidecar: SidecarProcess;
  app?: Child;
  /** The app or the sidecar ended although nobody had asked for it. */
  diedUnasked?: boolean;
  /** Status lines about the sidecar and about the app. */
  saySidecar: Say;
  sayApp: Say;
}

/** As in the original an app has 5 s to end; a sidecar gets a little more to finish its work. */
const graceMs = { app: 5000, sidecar: 8000 };
const listenMs = 60_000;

export function sayStarting({ spec, saySidecar }: Session) {
  const [http, grpc] = [socketPath(spec, "http"), socketPath(spec, "grpc")];
  saySidecar(
    "info",
    http
      ? `Starting Dapr with id ${spec["app-id"]}. HTTP Socket: ${http}. gRPC Socket: ${grpc}.`
      : `Starting Dapr with id ${spec["app-id"]}. HTTP Port: ${spec["dapr-http-port"]}. gRPC Port: ${spec["dapr-grpc-port"]}`,
  );
}

/** Waits until both API servers of this run's own sidecar listen; goes on with a warning when they don't. */
export async function waitUntilListening(session: Session, gone: AbortSignal) {
  const { spec, saySidecar } = session;
  for (const [name, port, socket] of [
    ["HTTP", spec["dapr-http-port"], socketPath(spec, "http")],
    ["GRPC", spec["dapr-grpc-port"], socketPath(spec, "grpc")],
  ] as const) {
    const what = socket ? `${name} socket ${socket}` : `${name} port ${port}`;
    saySidecar("info", `Checking if Dapr sidecar is listening on ${what}`);
    const error = await waitUntil(
      () => whyNotOwn(session, socket ?? port),
      listenMs,
      gone,
    );
    if (!error) continue;
    saySidecar(
      "warning",
      `Dapr sidecar is not listening on ${name} ${socket ? "socket" : "port"}: ${error.message}`,
    );
    saySidecar("warning", "Dapr sidecar might not be responding.");
    return;
  }
  saySidecar("info", "Dapr sidecar is up and running.");
}

/** Sets a metadata entry of this run's own sidecar; false, with a warning, when it does not take it. */
export async function tellSidecar(
  session: Session,
  key: string,
  value: string,
  gone: AbortSignal,
): Promise<boolean> {
  const { spec, saySidecar } = session;
  const { httpPort, socketPath } = addressOf(spec);
  const whyNot = () => whyNotOwn(session, socketPath ?? httpPort);
  try {
    await tell({ httpPort, socketPath }, whyNot, key, value, gone);
    return true;
  } catch (error) {
    gone.throwIfAborted();
    saySidecar(
      "warning",
      `Could not update sidecar metadata for ${key}: ${(error as Error).message}`,
    );
    return false;
  }
}

/** Says how the app ended by itself; `words` are the original's for one app or for many. */
export function sayAppExit(
  { sayApp }: Session,
  exit: Exit,
  status: (exit: Exit) => string,
) {
  if (exit.signal)
    sayApp(
      "failure",
      `The App process was terminated by signal: ${signalText(exit.signal)}`,
    );
  else if (failed(exit))
    sayApp(
      "failure",
      `The App process exited with error code: ${status(exit)}`,
    );
  else sayApp("success", "Exited App successfully");
}

export function saySidecarExit({ saySidecar }: Session, exit: Exit) {
  if (failed(exit))
    saySidecar(
      "failure",
      `The daprd process exited with error code: ${exitText(exit)}`,
    );
  else saySidecar("success", "Exited Dapr successfully");
}

/**
 * Ends what is still running: the app first, so that it can use its sidecar to
 * the last. Prints the ends in the original's order. True if all ended well.
 */
export async function endSession(
  session: Session,
  force: AbortSignal,
): Promise<boolean> {
  const { sidecar, app, spec, saySidecar, sayApp } = session;
  const before = { app: app?.exit, sidecar: sidecar.exit };
  // A signal to a whole group of processes may reach the app before us.
  const hadFailed = (exit: Exit | undefined): exit is Exit =>
    session.diedUnasked === true && exit !== undefined && failed(exit);
  if (
    app &&
    (await end(app, graceMs.app, force)) === "killed" &&
    !before.app &&
    !force.aborted
  )
    sayApp(
      "warning",
      `The app did not end within ${graceMs.app / 1000} s of SIGTERM and was killed.`,
    );
  await endSidecar(session, force);
  if (hadFailed(before.sidecar))
    saySidecar("failure", `Error exiting Dapr: ${exitText(before.sidecar)}`);
  else if (!before.sidecar) saySidecar("success", "Exited Dapr successfully");
  if (app) {
    if (hadFailed(before.app))
      sayApp("failure", `Error exiting App: ${appExitText(before.app)}`);
    else sayApp("success", "Exited App successfully");
  }
  for (const path of [socketPath(spec, "http"), socketPath(spec, "grpc")])
    if (path) await rm(path, { force: true });
  return !hadFailed(before.sidecar) && !hadFailed(before.app);
}

async function endSidecar(
  { sidecar, saySidecar }: Session,
  force: AbortSignal,
) {
  const alreadyGone = sidecar.exit !== undefined;
  // Windows has no SIGTERM; there the end of the lifeline asks the sidecar to end.
  const how =
    process.platform === "win32"
      ? await end(sidecar, graceMs.sidecar, force, async () =>
          sidecar.release(),
        )
      : await end(sidecar, graceMs.sidecar, force);
  await sidecar.forgotten;
  if (how === "killed" && !alreadyGone && !force.aborted)
    saySidecar(
      "warning",
      `The sidecar did not end within ${graceMs.sidecar / 1000} s and was killed.`,
    );
}

export const appExitText = ({ code, signal }: Exit): string =>
  signal
    ? `app terminated by signal: ${signalText(signal)}`
    : `app exited with status ${code}`;
