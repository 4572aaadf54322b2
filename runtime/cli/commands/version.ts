/** `dapr version`: the CLI's and the runtime's. */
import { daprVersion, version as cliVersion } from "../../shared/version.ts";
import { command } from "../command.ts";
import type { Io } from "../io.ts";
import { findSidecar, sidecarVersion } from "../run/sidecar-binary.ts";

export const version = command(
  "version",
  "Print the version of the CLI and of the Dapr API its sidecar serves",
  {
    output: {
      type: "string",
      short: "o",
      choices: ["json"],
      about: "The output format: json; text if absent",
    },
  },
  {},
  ({ flags, io }) => printVersion(flags.output, io),
);

export async function printVersion(output: string, io: Io): Promise<number> {
  const runtime = await sidecarVersion(findSidecar());
  if (output === "json")
    io.out(
      JSON.stringify({ "Cli version": cliVersion, "Runtime version": runtime }),
    );
  else
    io.out(
      `CLI version: ${cliVersion} \nRuntime version: ${runtime}\nKit: dapr-quickstart-kit ${cliVersion}; speaks the Dapr API of ${daprVersion}`,
    );
  return 0;
}
