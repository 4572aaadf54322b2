/** Commands of the full CLI that this one does not have yet, each with what to do instead. */
import type { Io } from "../io.ts";

const later: Record<string, string> = {
  publish:
    'Nor does the sidecar publish yet. An output binding sends messages: curl http://localhost:DAPR_HTTP_PORT/v1.0/bindings/NAME -d \'{"operation":"create","data":{}}\' (ports: `dapr list`).',
  dashboard:
    "Nor is it in the original any more. Running apps: `dapr list`, in a cluster `dapr list -k`.",
  mcpservers: "MCP servers are not served yet.",
  scheduler: "The jobs API is not served yet.",
  workflow: "The workflow API is not served yet.",
};

export const laterNames = Object.keys(later);

export function sayNotYet(name: string, io: Io): number {
  io.status("failure", `"dapr ${name}" is not available yet. ${later[name]}`);
  return 1;
}
