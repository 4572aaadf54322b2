/** Commands of the full CLI that this one does not have yet, each with what to do instead. */
import type { Io } from "../io.ts";

const later: Record<string, string> = {
  mcpservers: "MCP servers are not served yet.",
  scheduler:
    "The jobs API is not served yet. The binding bindings.cron calls your app on a schedule.",
  sched: "It is short for scheduler; the jobs API is not served yet.",
  wf: "It is short for workflow; the workflow API is not served yet.",
  workflow:
    "The workflow API is not served yet. On the original Dapr this command works.",
};

export const laterNames = Object.keys(later);
/** Those that the help names: without short names. */
export const laterInHelp = laterNames.filter(
  (name) => !["sched", "wf"].includes(name),
);

export function sayNotYet(name: string, io: Io): number {
  io.status("failure", `"dapr ${name}" is not in this version. ${later[name]}`);
  return 1;
}
