/**
 * What Linux says about processes and the machine. Other systems have no /proc:
 * there these figures are missing from the table.
 */
import { readFileSync, writeFileSync } from "node:fs";

export const hasProc = process.platform === "linux";

/** USER_HZ: /proc counts in 10 ms ticks on every Linux that Node supports. */
const tickMs = 10;

/** The CPU time of a process with all its threads, in ms. */
export function cpuMs(pid: number): number {
  if (!hasProc) return Number.NaN;
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  // The program's name may contain spaces and brackets, so fields are counted from its end.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) * tickMs;
}

/** Resident memory now and at its highest, in MB (10^6 bytes). */
export function memoryMb(pid: number): { now: number; peak: number } {
  if (!hasProc) return { now: Number.NaN, peak: Number.NaN };
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  const of = (key: string) =>
    (Number(new RegExp(`${key}:\\s+(\\d+) kB`).exec(status)?.[1]) * 1024) / 1e6;
  return { now: of("VmRSS"), peak: of("VmHWM") };
}

/** Sets the peak back to what is resident now (proc(5), clear_refs). */
export function resetPeak(pid: number): void {
  if (hasProc) writeFileSync(`/proc/${pid}/clear_refs`, "5");
}

/** The CPU time that all processors spent working since boot, in ms. */
function busyMs(): number {
  if (!hasProc) return Number.NaN;
  const line = readFileSync("/proc/stat", "utf8").split("\n")[0]!;
  const [user, nice, system, , , irq, softirq, steal] = line
    .trim()
    .split(/\s+/)
    .slice(1)
    .map(Number);
  return (user! + nice! + system! + irq! + softirq! + steal!) * tickMs;
}

export interface Usage {
  /** The CPU time of the sidecars under test. */
  sidecarCpuMs: number;
  /** The share of one core that other programs used. */
  othersShare: number;
}

/** Starts to watch. The returned function says how much CPU was used since. */
export function watchCpu(
  sidecars: readonly number[],
  helpers: readonly number[],
): () => Usage {
  const sum = (pids: readonly number[]) =>
    pids.reduce((total, pid) => total + cpuMs(pid), 0);
  const before = {
    at: performance.now(),
    sidecars: sum(sidecars),
    helpers: sum(helpers),
    busy: busyMs(),
  };
  return () => {
    const sidecarCpuMs = sum(sidecars) - before.sidecars;
    const ours = sidecarCpuMs + sum(helpers) - before.helpers;
    const elapsedMs = performance.now() - before.at;
    const others = busyMs() - before.busy - ours;
    return { sidecarCpuMs, othersShare: Math.max(0, others / elapsedMs) };
  };
}
