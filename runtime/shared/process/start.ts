/** When a process started, in the system's own words. It tells the process from a later one with the same ID. */
import { readFile } from "node:fs/promises";

/** The start of each process in a list of all, in the same words as {@link startOf}. */
export type Started = string;

/** Undefined when there is no such process, or it has ended and only waits for its parent to collect it. */
export async function startOf(pid: number): Promise<Started | undefined> {
  if (process.platform === "linux") return fromProc(pid);
  // Loaded only when needed, so that a sidecar starts without it.
  const { execFile } = await import("node:child_process");
  const [command, args] =
    process.platform === "win32"
      ? ["powershell.exe", ["-NoProfile", "-Command", windowsQuestion(pid)]]
      : ["ps", ["-o", "lstart=", "-p", String(pid)]];
  return new Promise((resolve, reject) =>
    execFile(
      command,
      args,
      { env: { ...process.env, LC_ALL: "C" } },
      (error, stdout) => {
        // `ps` exits 1 when there is none.
        if (error && typeof error.code !== "number") reject(error);
        else resolve(stdout.trim() || undefined);
      },
    ),
  );
}

const windowsQuestion = (pid: number) =>
  `Get-CimInstance Win32_Process -Filter "ProcessId=${pid}" | ForEach-Object { ([DateTimeOffset]$_.CreationDate).ToUnixTimeMilliseconds() }`;

async function fromProc(pid: number): Promise<Started | undefined> {
  try {
    const stat = await readFile(`/proc/${pid}/stat`, "latin1");
    return fieldsOf(stat)[0] === "Z" ? undefined : startInStat(stat);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT" || code === "ESRCH") return undefined;
    throw error;
  }
}

/** Clock ticks since boot, from /proc/PID/stat. */
export const startInStat = (stat: string): Started => fieldsOf(stat)[19]!;

/** From the third on, the state (proc(5)); the name in brackets before it may contain anything. */
const fieldsOf = (stat: string): string[] =>
  stat.slice(stat.lastIndexOf(")") + 2).split(" ");
