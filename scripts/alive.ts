/** Does a process of this ID run, and is it the one that was meant? */
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";

export function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== "ESRCH";
  }
}

/** When it started, in the system's own words: another that gets its ID later has other ones. Empty where that is not told. */
export function startOf(pid: number): string {
  if (process.platform === "win32") return "";
  if (process.platform !== "linux")
    return (
      spawnSync("ps", ["-o", "lstart=", "-p", `${pid}`], {
        encoding: "utf8",
      }).stdout?.trim() ?? ""
    );
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
    return stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19] ?? "";
  } catch {
    return ""; // it ended
  }
}
