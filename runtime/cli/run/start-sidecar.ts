/**
 * Starts a sidecar with a lifeline, a pipe whose end tells it that this CLI is gone, with a token by which it may be
 * watched, and with a channel on which it tells that it listens.
 */
import { randomBytes } from "node:crypto";
import type { Writable } from "node:stream";
import type { AppSpec } from "./app-spec.ts";
import { start } from "./child.ts";
import type { Child } from "./child.ts";
import type { StartStage } from "../../shared/process/start-stage.ts";
import { limitEnv } from "../../shared/process/node-limits.ts";
import { dropWatchToken, keepWatchToken } from "../instances/watch-tokens.ts";
import { messageOf } from "../../shared/message-of.ts";
import { sidecarArgs } from "./sidecar-args.ts";
import type { SidecarBinary } from "./sidecar-binary.ts";

type Output = "inherit" | "pipe" | number;

export interface SidecarProcess extends Child {
  /** Tells the sidecar which app to end if this CLI is killed. */
  watchApp(pid: number): void;
  /** Ends the lifeline: our own sidecar then shuts down in order, on any platform. */
  release(): void;
  /** Settles once it has ended and nothing of it is left in `<dapr>`. */
  forgotten: Promise<void>;
  /** Whether it has told that its APIs listen. Undefined for a foreign sidecar, which tells nothing. */
  isListening(): boolean | undefined;
}

export async function startSidecar(
  spec: AppSpec,
  binary: SidecarBinary,
  options: {
    cwd?: string | undefined;
    env?: Record<string, string>;
    output: Output;
    /** `<dapr>` */
    home: string;
    warn(message: string): void;
  },
): Promise<SidecarProcess> {
  // A foreign sidecar has no such API.
  const watchToken = binary.own
    ? randomBytes(32).toString("base64url")
    : undefined;
  const child = await start(
    binary.command,
    [...binary.leadingArgs, ...(await sidecarArgs(spec))],
    {
      cwd: options.cwd,
      env: {
        ...process.env,
        ...options.env,
        ...(binary.own ? limitEnv : {}),
        // A foreign sidecar does not know the lifeline and just inherits an idle pipe.
        DAPR_LIFELINE_FD: "3",
        ...(watchToken && { DAPR_WATCH_TOKEN: watchToken }),
      },
      stdio: [
        options.output === "inherit" ? "inherit" : "ignore",
        options.output,
        options.output,
        "pipe",
        ...(binary.own ? (["ipc"] as const) : []),
      ],
    },
  );
  let hasListened = binary.own ? false : undefined;
  child.process.on("message", ({ stage }: StartStage) => {
    if (stage === "listening") hasListened = true;
  });
  const lifeline = child.process.stdio[3] as Writable;
  // The sidecar may die before we do: its exit is what counts then, not the broken pipe.
  lifeline.on("error", () => {});
  return Object.assign(child, {
    isListening: () => hasListened,
    watchApp: (pid: number) => void lifeline.write(`app-pid ${pid}\n`),
    release: () => void lifeline.destroy(),
    forgotten: watchToken
      ? remember(child, watchToken, options)
      : child.exited.then(() => {}),
  });
}

/** Resolves once the child has ended and its token is removed. It runs all the same if the token can't be kept. */
async function remember(
  { pid, exited }: Child,
  watchToken: string,
  { home, warn }: { home: string; warn(message: string): void },
): Promise<void> {
  try {
    await keepWatchToken(home, pid, watchToken);
    await exited;
    await dropWatchToken(home, pid);
  } catch (error) {
    warn(
      `\`dapr dashboard\` can't see what passes through this sidecar, as its token could not be kept in ${home}: ${messageOf(error)}`,
    );
  }
  await exited;
}
