/** The machine's processes: /proc on Linux, ps on macOS, PowerShell on Windows. */
import { execFile } from "node:child_process";
import { readFile, readdir } from "node:fs/promises";
import { promisify } from "node:util";
import { startInStat } from "../../shared/process/start.ts";
import type { Started } from "../../shared/process/start.ts";

export interface ProcessInfo {
  pid: number;
  parent: number;
  /** The executable's name as the system keeps it. */
  name: string;
  args: string[];
  startedMs: number;
  started: Started;
}

const exec = promisify(execFile);

export function listProcesses(): Promise<ProcessInfo[]> {
  if (process.platform === "linux") return fromProc();
  if (process.platform === "win32") return fromPowerShell();
  return fromPs();
}

async function fromProc(): Promise<ProcessInfo[]> {
  const bootMs = await bootTimeMs();
  const pids = (await readdir("/proc")).filter((name) => /^\d+$/.test(name));
  const all = await Promise.all(pids.map((pid) => readOne(pid, bootMs)));
  return all.filter((info) => info !== undefined);
}

async function readOne(
  pid: string,
  bootMs: number,
): Promise<ProcessInfo | undefined> {
  try {
    const [stat, cmdline] = await Promise.all([
      readFile(`/proc/${pid}/stat`, "utf8"),
      readFile(`/proc/${pid}/cmdline`, "utf8"),
    ]);
    const close = stat.lastIndexOf(")");
    const started = startInStat(stat);
    const fields = stat.slice(close + 2).split(" ");
    return {
      pid: Number(pid),
      name: stat.slice(stat.indexOf("(") + 1, close),
      parent: Number(fields[1]),
      args: cmdline.split("\0").slice(0, -1),
      // Field 22 counts hundredths of a second since boot (USER_HZ is 100 on every Linux that runs Node).
      startedMs: bootMs + Number(started) * 10,
      started,
    };
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT" || code === "ESRCH" || code === "EACCES")
      return undefined;
    throw error;
  }
}

async function bootTimeMs(): Promise<number> {
  const match = /^btime (\d+)$/m.exec(await readFile("/proc/stat", "utf8"));
  return Number(match?.[1] ?? 0) * 1000;
}

async function fromPs(): Promise<ProcessInfo[]> {
  const { stdout } = await exec(
    "ps",
    ["-axww", "-o", "pid=,ppid=,lstart=,command="],
    { maxBuffer: 64 << 20, env: { ...process.env, LC_ALL: "C" } },
  );
  return stdout.split("\n").flatMap(parsePsLine);
}

/** `  12  1 Sat Nov 21 05:09:33 2026 node dist/daprd.js --app-id x`; ps does not show where an argument ends. */
export function parsePsLine(line: string): ProcessInfo[] {
  const match =
    /^ *(\d+) +(\d+) +([A-Z][a-z]{2} [A-Z][a-z]{2} +\d+ [\d:]+ \d+) +(\S.*)$/.exec(
      line,
    );
  if (!match) return [];
  const args = match[4]!.trim().split(/\s+/);
  return [
    {
      pid: Number(match[1]),
      parent: Number(match[2]),
      name: args[0]!.split("/").at(-1)!,
      args,
      startedMs: Date.parse(match[3]!),
      started: match[3]!,
    },
  ];
}

async function fromPowerShell(): Promise<ProcessInfo[]> {
  const { stdout } = await exec(
    "powershell.exe",
    [
      "-NoProfile",
      "-Command",
      // Otherwise letters outside ASCII come in the console's own encoding.
      `[Console]::OutputEncoding = [Text.Encoding]::UTF8; Get-CimInstance Win32_Process | ForEach-Object { [pscustomobject]@{ pid=$_.ProcessId; parent=$_.ParentProcessId; name=$_.Name; line=$_.CommandLine; startedMs=([DateTimeOffset]$_.CreationDate).ToUnixTimeMilliseconds() } } | ConvertTo-Json -Compress`,
    ],
    { maxBuffer: 64 << 20 },
  );
  if (stdout.trim() === "") return [];
  const rows: unknown = JSON.parse(stdout);
  return (Array.isArray(rows) ? rows : [rows]).map(
    ({ line, name, ...rest }: ProcessInfo & { line: string | null }) => ({
      ...rest,
      started: String(rest.startedMs),
      name: name.replace(/\.exe$/i, ""),
      args: splitWindowsLine(line ?? ""),
    }),
  );
}

/** Double quotes keep blanks together; that is all a sidecar's command line uses. */
export function splitWindowsLine(line: string): string[] {
  return [...line.matchAll(/"([^"]*)"|(\S+)/g)].map(
    ([, quoted, bare]) => quoted ?? bare!,
  );
}
