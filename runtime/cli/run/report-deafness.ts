/** Says that an app does not listen on its port, where the sidecar's own warning of it is not seen. */
import { parseLevel } from "../../shared/log.ts";
import type { Io } from "../io.ts";
import type { Destination } from "./run-file-app.ts";
import { waitForPort } from "./ready.ts";
import type { Session } from "./session.ts";

const deafMs = 5000;

/** `destination`: of the sidecar's log. `gone` ends the wait. */
export function reportDeafness(
  io: Io,
  session: Session,
  destination: Destination,
  gone: AbortSignal,
): void {
  const { app, spec } = session;
  if (!app || spec["app-port"] <= 0 || isWarningSeen(session, destination))
    return;
  const elsewhere = spec["app-channel-address"];
  if (elsewhere && !["127.0.0.1", "localhost"].includes(elsewhere)) return;
  waitForPort(spec["app-port"], deafMs, gone).then(
    (error) => {
      if (error && !app.exit)
        io.status(
          "warning",
          `App "${spec["app-id"]}" does not listen on port ${spec["app-port"]} yet, after ${deafMs / 1000} s: it has to listen on the port in its environment's APP_PORT, or --app-port (appPort) be the app's.`,
        );
    },
    () => {}, // the run or the sidecar ended meanwhile
  );
}

/** A foreign sidecar has no such warning. */
const isWarningSeen = (
  { sidecar, spec }: Session,
  destination: Destination,
): boolean =>
  sidecar.isListening() !== undefined &&
  destination !== "file" &&
  !["error", "fatal"].includes(parseLevel(spec["log-level"] || "info"));
