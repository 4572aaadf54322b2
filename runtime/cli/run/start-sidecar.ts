/** Starts a sidecar with a lifeline: a pipe whose end tells it that this CLI is gone, for whatever reason. */
import type { Writable } from "node:stream";
import type { AppSpec } from "./app-spec.ts";
import { start } from "./child.ts";
import type { Child } from "./child.ts";
import { limitEnv } from "../../shared/process/node-limits.ts";
import { sidecarArgs } from "./sidecar-args.ts";
import type { SidecarBinary } from "./sidecar-binary.ts";

type Output = "inherit" | "pipe" | number;

export interface SidecarProcess extends Child {
  /** Tells the sidecar which app to end if this CLI is killed. */
  watchApp(pid: number): void;
  /** Ends the lifeline: our own sidecar then shuts down in order, on any platform. */
  release(): void;
}

export async function startSidecar(
  spec: AppSpec,
  binary: SidecarBinary,
  options: {
    cwd?: string | undefined;
    env?: Record<string, string>;
    output: Output;
  },
): Promise<SidecarProcess> {
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
      },
      stdio: [
        options.output === "inherit" ? "inherit" : "ignore",
        options.output,
        options.output,
        "pipe",
      ],
    },
  );
  const lifeline = child.process.stdio[3] as Writable;
  // The sidecar may die before we do: its exit is what counts then, not the broken pipe.
  lifeline.on("error", () => {});
  return Object.assign(child, {
    watchApp: (pid: number) => void lifeline.write(`app-pid ${pid}\n`),
    release: () => void lifeline.destroy(),
  });
}
