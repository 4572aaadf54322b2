/** `dapr build-info`: what the CLI and its sidecar were built from. */
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { version } from "../../shared/version.ts";
import { command } from "../command.ts";
import { printable } from "../printable.ts";
import { findSidecar } from "../run/sidecar-binary.ts";
import { about } from "./about.ts";

export const buildInfo = command(
  "build-info",
  about["build-info"],
  {},
  {},
  async ({ io }) => {
    io.out(
      `CLI:\n\tVersion: ${version}\n\tGit Commit: ts-${version}\n\tGit Version: ${version}\nRuntime:`,
    );
    const lines = (await sidecarBuild()).trim().split("\n");
    io.out(lines.map((line) => `\t${printable(line)}`).join("\n"));
    return 0;
  },
);

async function sidecarBuild(): Promise<string> {
  const { command, leadingArgs } = findSidecar();
  try {
    const { stdout } = await promisify(execFile)(
      command,
      [...leadingArgs, "--build-info"],
      { windowsHide: true },
    );
    return stdout;
  } catch {
    return "N/A"; // the documented answer for a binary that cannot say
  }
}
