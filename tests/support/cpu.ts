/** The processor time of another process's main thread, to which other load does not add. Known on Linux only. */
import { existsSync, readFileSync } from "node:fs";

export const canReadCpu = existsSync("/proc/self/schedstat");

/** How long the main thread, which serves requests, has run so far, in ms. 0 where the system does not say. */
export function mainThreadMs(pid: number): number {
  if (!canReadCpu) return 0;
  const ran = readFileSync(`/proc/${pid}/task/${pid}/schedstat`, "utf8");
  return Number(ran.split(" ")[0]) / 1e6;
}
