/** When a process started, in the system's own words. It tells the process from a later one with the same ID. */
import { readFile } from "node:fs/promises";

/** The start of each process in a list of all, in the same words as {@link startOf}. */
export type Started = string;

/** Undefined when there is no such process. */
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
    return startInStat(await readFile(`/proc/${pid}/stat`, "latin1"));
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT" || code === "ESRCH") return undefined;
    throw error;
  }
}

/** Clock ticks since boot, from /proc/PID/stat (proc(5)); the name in brackets may contain anything. */
export const startInStat = (stat: string): Started =>
  stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19]!;
