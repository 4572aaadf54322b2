/**
 * Which sidecar `dapr run` starts: the `daprd` that belongs to this CLI, or any
 * binary with the same flags named by DAPR_DAPRD_PATH (the original's, say).
 */
import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { promisify } from "node:util";
import { nodeLimits } from "../../shared/process/node-limits.ts";
import { daprVersion } from "../../shared/version.ts";
import { CommandError } from "../command.ts";

export interface SidecarBinary {
  command: string;
  /** Node's flags and the script; empty for a foreign binary. */
  leadingArgs: string[];
  own: boolean;
}

export function findSidecar(
  env: NodeJS.ProcessEnv = process.env,
): SidecarBinary {
  const foreign = env["DAPR_DAPRD_PATH"];
  if (foreign) {
    if (!existsSync(foreign))
      throw new CommandError(
        `DAPR_DAPRD_PATH names a sidecar that is not there: ${resolve(foreign)}. Correct it, or unset it to use the sidecar of this CLI.`,
      );
    return { command: foreign, leadingArgs: [], own: false };
  }
  return {
    command: process.execPath,
    leadingArgs: [...nodeLimits, ownScript()],
    own: true,
  };
}

/** Beside this file's bundle (dist/, or dist/chunks/ below it) or, from source, in runtime/. */
function ownScript(): string {
  for (let dir = import.meta.dirname; dir !== dirname(dir); dir = dirname(dir))
    for (const name of ["daprd.js", "daprd.ts"])
      if (existsSync(join(dir, name))) return join(dir, name);
  throw new CommandError(
    `The sidecar (daprd.js) is missing beside ${import.meta.dirname}. Run \`npm install\` again, which builds it.`,
  );
}

/** The runtime's version; `n/a` when a foreign binary does not tell. */
export async function sidecarVersion(binary: SidecarBinary): Promise<string> {
  if (binary.own) return daprVersion;
  try {
    const { stdout } = await promisify(execFile)(
      binary.command,
      ["--version"],
      {
        timeout: 5000,
      },
    );
    return stdout.replaceAll("\n", "");
  } catch {
    return "n/a"; // the documented answer for a binary that cannot say
  }
}
