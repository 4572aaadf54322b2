/** Who listens on a port of this machine, as far as the system tells this user. */
import { execFile } from "node:child_process";
import { readdir, readFile, readlink } from "node:fs/promises";
import { promisify } from "node:util";
import { listProcesses } from "../instances/process-list.ts";

export interface Listener {
  pid: number;
  /** The program's name. */
  name: string;
}

const exec = promisify(execFile);

/** By port. A process of another user may be missing. */
export async function listeners(): Promise<Map<number, Listener>> {
  const pids = await pidsByPort();
  // The system calls a Node process by the name of a thread of its own.
  const names = new Map(
    (await listProcesses()).map(({ pid, name, args }) => [
      pid,
      args[0]?.split(/[/\\]/).at(-1) || name,
    ]),
  );
  return new Map(
    [...pids].map(([port, pid]) => [
      port,
      { pid, name: names.get(pid) ?? "a program" },
    ]),
  );
}

function pidsByPort(): Promise<Map<number, number>> {
  if (process.platform === "linux") return fromProc();
  return process.platform === "win32" ? fromNetstat() : fromLsof();
}

async function fromProc(): Promise<Map<number, number>> {
  const ports = new Map<string, number>();
  for (const file of ["/proc/net/tcp", "/proc/net/tcp6"])
    for (const [inode, port] of listeningIn(
      await readFile(file, "utf8").catch(() => ""), // without IPv6 there is no second file
    ))
      ports.set(inode, port);
  const found = new Map<number, number>();
  const pids = (await readdir("/proc")).filter((name) => /^\d+$/.test(name));
  for (const pid of pids)
    for (const inode of await socketsOf(pid)) {
      const port = ports.get(inode);
      if (port !== undefined) found.set(port, Number(pid));
    }
  return found;
}

/** `sl local_address rem_address st … inode`; state 0A is listening. */
export function listeningIn(table: string): [inode: string, port: number][] {
  return table
    .split("\n")
    .slice(1)
    .map((line) => line.trim().split(/\s+/))
    .filter((fields) => fields[3] === "0A")
    .map((fields) => [
      fields[9] ?? "",
      Number.parseInt(fields[1]?.split(":")[1] ?? "", 16),
    ]);
}

/** None of a process of another user, or of one that has ended. */
async function socketsOf(pid: string): Promise<string[]> {
  const folder = `/proc/${pid}/fd`;
  const fds = await readdir(folder).catch(() => []);
  const links = await Promise.all(
    fds.map((fd) => readlink(`${folder}/${fd}`).catch(() => "")),
  );
  return links.flatMap((link) => /^socket:\[(\d+)\]$/.exec(link)?.[1] ?? []);
}

/** Where there is no lsof, nobody's name is known. */
async function fromLsof(): Promise<Map<number, number>> {
  const { stdout } = await exec("lsof", [
    "-nP",
    "-iTCP",
    "-sTCP:LISTEN",
    "-Fpn",
  ]).catch(() => ({ stdout: "" }));
  return parseLsof(stdout);
}

/** Lines `p123`, then its `n127.0.0.1:3500`. */
export function parseLsof(text: string): Map<number, number> {
  const found = new Map<number, number>();
  let pid = 0;
  for (const line of text.split("\n")) {
    if (line.startsWith("p")) pid = Number(line.slice(1));
    const [, port] = /^n.*:(\d+)$/.exec(line) ?? [];
    if (port) found.set(Number(port), pid);
  }
  return found;
}

async function fromNetstat(): Promise<Map<number, number>> {
  const { stdout } = await exec("netstat.exe", ["-ano", "-p", "TCP"], {
    windowsHide: true,
  }).catch(() => ({ stdout: "" }));
  return parseNetstat(stdout);
}

/** `  TCP  127.0.0.1:3500  0.0.0.0:0  LISTENING  123`; the state's word is the system's language's, the address of nobody is not. */
export function parseNetstat(text: string): Map<number, number> {
  const found = new Map<number, number>();
  for (const line of text.split("\n")) {
    const [protocol, local, remote, , pid] = line.trim().split(/\s+/);
    if (protocol !== "TCP" || !remote?.endsWith(":0")) continue;
    found.set(Number(local?.split(":").at(-1)), Number(pid));
  }
  return found;
}
