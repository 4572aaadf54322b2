/** Watches processes for growth: memory by the slope of a line, descriptors by their count between two loads. */
import { readdirSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import { memoryMb } from "./proc.ts";

const everyMs = 5000;
/** While caches fill and code is compiled, nothing is judged. That is a fifth of the run, but at most this. */
const settleMinutes = 20;
/** The slope of a shorter run is mostly noise: it is printed, but never a failure. */
const judgedFromMinutes = 60;
const limitMbPerHour = 1;
/** So many more descriptors are no leak: a kept connection, a database file that is opened late. */
const fdSlack = 8;
const closingMs = 200;

interface Sample {
  hours: number;
  mb: number;
}

interface Watched {
  name: string;
  pid: number;
  samples: Sample[];
  /** The number of descriptors at the end of each segment, when no connection is open. */
  fds: number[];
}

export class Watch {
  readonly all: Watched[];
  readonly #startedAt = performance.now();
  readonly #timer: NodeJS.Timeout;

  constructor(pids: Record<string, number>) {
    this.all = Object.entries(pids).map(([name, pid]) => ({
      name,
      pid,
      samples: [],
      fds: [],
    }));
    this.#timer = setInterval(() => this.#sample(), everyMs);
  }

  /** Waits until the load's connections are closed: until the number of descriptors no longer falls. */
  async endSegment(): Promise<void> {
    for (const { pid, fds } of this.all) {
      let count = fdsOf(pid);
      for (;;) {
        await delay(closingMs);
        const now = fdsOf(pid);
        if (now >= count) break;
        count = now;
      }
      fds.push(count);
    }
  }

  line(): string {
    const minutes = (this.#hours() * 60).toFixed(1).padStart(6);
    const each = this.all.map(
      ({ name, pid }) =>
        `${name} ${memoryMb(pid).now.toFixed(1)} MB, ${fdsOf(pid)} fds`,
    );
    return `${minutes} min  ${each.join("; ")}`;
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  #hours = () => (performance.now() - this.#startedAt) / 3_600_000;

  #sample(): void {
    for (const { pid, samples } of this.all)
      samples.push({ hours: this.#hours(), mb: memoryMb(pid).now });
  }
}

export const fdsOf = (pid: number): number =>
  readdirSync(`/proc/${pid}/fd`).length;

/** The result, a line for each process. */
export function judge(
  { all }: Pick<Watch, "all">,
  minutes: number,
): { text: string; isSteady: boolean } {
  const settledHours = Math.min(minutes / 5, settleMinutes) / 60;
  let isSteady = true;
  let text = "";
  for (const { name, samples, fds } of all) {
    const settled = samples.filter(({ hours }) => hours >= settledHours);
    const { slope, error } = lineThrough(settled);
    const grows =
      minutes >= judgedFromMinutes && slope - 2 * error > limitMbPerHour;
    const third = Math.ceil(fds.length / 3);
    const first = Math.max(...fds.slice(0, third));
    const last = Math.min(...fds.slice(-third));
    const leaks = last > first + fdSlack;
    if (grows || leaks) isSteady = false;
    const megabytes = settled.map(({ mb }) => mb);
    text += `${name}: ${Math.min(...megabytes).toFixed(1)}–${Math.max(...megabytes).toFixed(1)} MB, slope ${slope.toFixed(1)} ± ${(2 * error).toFixed(1)} MB/h${grows ? ` GROWS by more than ${limitMbPerHour}` : ""}; descriptors ${first} → ${last}${leaks ? " LEAK" : ""}\n`;
  }
  return { text, isSteady };
}

/** The least-squares slope in MB per hour, and its standard error. NaN for fewer than 3 samples. */
export function lineThrough(samples: readonly Sample[]): {
  slope: number;
  error: number;
} {
  const count = samples.length;
  if (count < 3) return { slope: Number.NaN, error: Number.NaN };
  const mean = (of: (one: Sample) => number) =>
    samples.reduce((sum, one) => sum + of(one), 0) / count;
  const [x, y] = [mean(({ hours }) => hours), mean(({ mb }) => mb)];
  const square = (n: number) => n * n;
  const spread = count * mean(({ hours }) => square(hours - x));
  const slope =
    (count * mean(({ hours, mb }) => (hours - x) * (mb - y))) / spread;
  const rest = mean(({ hours, mb }) => square(mb - y - slope * (hours - x)));
  return { slope, error: Math.sqrt((rest * count) / (count - 2) / spread) };
}
