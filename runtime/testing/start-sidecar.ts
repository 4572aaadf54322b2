/**
 * `startSidecar`: a real sidecar for a test. Its components are the test's, its ports
 * free ones, its registry that of this process, and its end that of this process at the latest.
 */
import { setImmediate as nextTurn } from "node:timers/promises";
import { messageOf } from "../shared/message-of.ts";
import { nodeLimits } from "../shared/process/node-limits.ts";
import { startTimer } from "../shared/timers.ts";
import { takeFolder } from "./folder.ts";
import type { Sidecar, SidecarError, SidecarOptions } from "./index.cjs";
import { checkOptions, sidecarArgs, sidecarEnv } from "./options.ts";
import { problems } from "./problems.ts";
import { writeResources, type Resources } from "./resources.ts";
import {
  spawnSidecar,
  type Exit,
  type SidecarProcess,
} from "./sidecar-process.ts";

/** What is there to run. */
export interface Programs {
  /** A Node that the sidecar can run on. */
  node: string;
  /** The sidecar's bundle. */
  daprd: string;
}

const defaultAppTimeoutMs = 4000;
let unnamed = 0;

export const createStartSidecar =
  ({ node, daprd }: Programs) =>
  async (options: SidecarOptions = {}): Promise<Sidecar> => {
    checkOptions(options);
    const appId = options.appId ?? nextName();
    const folder = takeFolder();
    let child: SidecarProcess | undefined;
    let resources: Resources | undefined;
    try {
      resources = writeResources(options, folder);
      child = spawnSidecar(
        node,
        [
          ...nodeLimits,
          daprd,
          ...sidecarArgs(options, appId),
          ...resources.args,
        ],
        sidecarEnv(options, folder.registry),
        folder.root,
      );
      const { httpPort, grpcPort } = await untilReady(
        child,
        options,
        resources,
      );
      child.hold(false);
      return running(child, { appId, httpPort, grpcPort }, folder.remove);
    } catch (error) {
      // Before the folder: the sidecar would write into it.
      await child?.end().catch(() => {}); // that it could not be started is the error already
      folder.remove();
      const said = messageOf(error);
      const why = child ? said : `did not start: ${said}`;
      throw sidecarError(
        `the sidecar of app "${appId}" ${resources?.named(why) ?? why}`,
        child?.logs ?? [],
        error,
      );
    }
  };

const nextName = () => (++unnamed === 1 ? "test-app" : `test-app-${unnamed}`);

/** Rejects if it ends before, if it has not read what the test gave, or if the app is not there in time. */
async function untilReady(
  child: SidecarProcess,
  { appPort, waitForApp = true, appTimeoutMs }: SidecarOptions,
  { isAbout }: Resources,
) {
  const early = child.ended.then(
    (exit) => {
      throw new Error(
        `did not start: ${problems(child.logs, "error", "fatal").join("; ") || exitText(exit)}`,
      );
    },
    (error) => {
      throw new Error(`did not start: ${messageOf(error)}`, { cause: error });
    },
  );
  early.catch(() => {}); // later it is no failed start
  const up = await Promise.race([child.reached("listening"), early]);
  // What it had logged by then has arrived once the event loop has gone round.
  await nextTurn();
  await nextTurn();
  // A file that cannot be read is no reason for a sidecar not to start, but the test would go without.
  const unread = problems(child.logs, "warning").filter(
    (text) => text.includes("was not loaded: ") && isAbout(text),
  );
  if (unread.length > 0) throw new Error(`did not start: ${unread.join("; ")}`);
  if (appPort === undefined || !waitForApp) return up;
  const limitMs = appTimeoutMs ?? defaultAppTimeoutMs;
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<void>((resolve) => {
    timer = startTimer(resolve, limitMs);
  });
  let isThere = false;
  let isReading = false;
  void child.reached("initialized").then(() => (isThere = true));
  const reading = child.reached("reading").then(() => (isReading = true));
  try {
    await Promise.race([reading, early, late]);
    // A process that was busy hears of the time first, and then of what came in time.
    await nextTurn();
    await nextTurn();
    if (isReading) return up;
    const warnings = problems(child.logs, "warning", "error");
    throw new Error(
      isThere
        ? `is up, but its app on port ${appPort} has not said what it wants after ${limitMs} ms. The sidecar's warnings:${warnings.map((text) => `\n  ${text}`).join("")}`
        : `is up, but nothing listens on port ${appPort} after ${limitMs} ms: let the app listen before startSidecar, or give waitForApp: false`,
    );
  } finally {
    clearTimeout(timer);
  }
}

function running(
  child: SidecarProcess,
  about: Pick<Sidecar, "appId" | "httpPort" | "grpcPort">,
  removeFolder: () => void,
): Sidecar {
  let ending: Promise<void> | undefined;
  void child.ended.then(removeFolder);

  async function end(): Promise<void> {
    const exit = await child.end();
    removeFolder();
    if (exit.code === 0) return;
    const said = problems(child.logs, "error", "fatal").slice(-5).join("; ");
    throw sidecarError(
      `the sidecar of app "${about.appId}" did not end well (${exitText(exit)})${said ? `: ${said}` : ""}`,
      child.logs,
    );
  }

  const stop = () => (ending ??= end());
  return {
    ...about,
    httpEndpoint: `http://127.0.0.1:${about.httpPort}`,
    logs: child.logs,
    stop,
    [Symbol.asyncDispose]: stop,
  };
}

const exitText = ({ code, signal }: Exit): string =>
  signal ? `ended by ${signal}` : `exit code ${code}`;

const sidecarError = (
  message: string,
  logs: readonly string[],
  cause?: unknown,
): SidecarError =>
  Object.assign(new Error(message, { cause }), {
    name: "SidecarError" as const,
    logs,
  });
