/** The user's wish to stop: Ctrl+C, SIGTERM, a closed terminal, a reader of our output that went away. */
import { Socket } from "node:net";
import { delay } from "../shared/timers.ts";

/** One Ctrl+C reaches npm, a launcher and us. Signals within this time come from the same key press. */
const samePressMs = 500;

export interface StopWish {
  /** Aborted at the first wish to stop. */
  asked: AbortSignal;
  /** Aborted at the second: don't wait for anyone. */
  forced: AbortSignal;
  dispose(): void;
}

export function watchForStop(): StopWish {
  const asked = new AbortController();
  const forced = new AbortController();
  let firstMs = 0;
  const onSignal = () => {
    if (!asked.signal.aborted) {
      firstMs = Date.now();
      asked.abort();
    } else if (Date.now() - firstMs > samePressMs) forced.abort();
  };
  // EPIPE after `dapr run | head`, EIO when the terminal is gone: nobody reads our output, so just stop.
  const onOutputGone = () => asked.abort();
  const signals: NodeJS.Signals[] = ["SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK"];
  const used = signals.filter(
    (name) => name !== "SIGBREAK" || process.platform === "win32",
  );
  for (const name of used) process.on(name, onSignal);
  const lifeline = watchLauncher(() => asked.abort());
  process.stdout.on("error", onOutputGone);
  process.stderr.on("error", onOutputGone);
  return {
    asked: asked.signal,
    forced: forced.signal,
    dispose() {
      // Output errors stay handled: the last lines may still fail to be written.
      for (const name of used) process.off(name, onSignal);
      lifeline?.destroy();
    },
  };
}

/** The launcher on an older Node (runtime/bin/launch.js) holds the other end of a pipe. When the pipe ends, the launcher has ended. */
function watchLauncher(onGone: () => void): Socket | undefined {
  const fd = Number(process.env["DAPR_LIFELINE_FD"] || NaN);
  if (!Number.isInteger(fd)) return undefined;
  const pipe = new Socket({ fd, readable: true, writable: false });
  pipe.on("error", () => {}); // this ends the pipe too: `close` follows
  pipe.on("close", onGone);
  pipe.resume();
  return pipe;
}

/** Between the signals of one who stops all processes of a run at once. */
const togetherMs = 250;

/** Before an end is judged: whoever caused it may be about to ask us, too, to stop. */
export const untilJudged = (asked: AbortSignal): Promise<void> =>
  Promise.race([aborted(asked), delay(togetherMs)]);

/** Resolves when the signal is aborted. */
export const aborted = (signal: AbortSignal): Promise<void> =>
  signal.aborted
    ? Promise.resolve()
    : new Promise((resolve) =>
        signal.addEventListener("abort", () => resolve(), { once: true }),
      );
