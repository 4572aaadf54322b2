/** Whether a process with this ID runs, and whether it is still the same process. */
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";

export function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== "ESRCH";
  }
}

/** When the process started, as the system writes it. A later process with the same ID has another start. Empty if unknown. */
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
