/** The memory of another process. Known on Linux only. */
import { existsSync, readFileSync } from "node:fs";

export const canReadMemory = existsSync("/proc/self/status");

/** The resident size and its peak, in MB. */
export function memoryOf(pid: number): { rss: number; peak: number } {
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  const megabytes = (name: string) =>
    Number(new RegExp(`^${name}:\\s+(\\d+) kB`, "m").exec(status)?.[1]) / 1024;
  return { rss: megabytes("VmRSS"), peak: megabytes("VmHWM") };
}
