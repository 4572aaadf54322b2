/**
 * What keeps a sidecar's memory small (docs/decisions/memory.md).
 * The limits of V8 and glibc count only for a process that begins with them. So
 * whoever starts a sidecar gives them; else its entry replaces the process.
 */
export const nodeLimits = ["--max-semi-space-size=4"];
/** Set once all is loaded: at the start it would cost 20 ms of garbage collection. */
export const lateLimit = "--heap-growing-percent=10";
export const limitEnv = {
  MALLOC_ARENA_MAX: "1",
  // Free memory from 128 KiB on goes back to the system; glibc would learn to keep more. It saves 6 MB under load.
  MALLOC_TRIM_THRESHOLD_: "131072",
};

/** True unless this process began without the limits and could begin again with them. */
export function hasLimits(): boolean {
  return (
    nodeLimits.every((flag) => process.execArgv.includes(flag)) ||
    process.execve === undefined ||
    process.platform === "win32" ||
    // An inherited pipe does not outlive the new start.
    process.env["DAPR_LIFELINE_FD"] !== undefined
  );
}
