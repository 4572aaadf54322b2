/** `dapr run`: one app from flags, or many from a run file. */
import { randomAppId } from "../run/app-id.ts";
import { specFromFlags } from "../run/app-spec.ts";
import { assignPorts } from "../run/assign-ports.ts";
import { checkComponents, sayIfNoComponents } from "../run/check-components.ts";
import { checkSpec } from "../run/check-spec.ts";
import { command } from "../command.ts";
import type { CommandInput } from "../command.ts";
import { watchForStop } from "../ending.ts";
import { daprHome } from "../home.ts";
import { findInstances } from "../instances/instances.ts";
import { runFlags } from "../run/run-flags.ts";
import { runMany } from "../run/run-many.ts";
import { runOne } from "../run/run-one.ts";
import { sayIfRunning } from "../run/say-if-running.ts";
import { findSidecar, sidecarVersion } from "../run/sidecar-binary.ts";

const examples = `
# One app with its sidecar
dapr run --app-id myapp --app-port 3000 --resources-path ./components -- node app.js

# The same: flags and the command's words may mix until --
dapr run --app-id myapp --app-port 3000 node app.js --resources-path ./components

# A sidecar alone
dapr run --app-id myapp --dapr-http-port 3500

# All apps of a run file
dapr run -f dapr.yaml

# The same in the cluster kubectl points at
dapr run -k -f dapr.yaml
`;

const notes = `
Output:
  Lines of the app start with "== APP == " ("== APP - ID == " with -f); the app's output is a pipe, not a terminal.
  With -f, logs are also in .dapr/logs of each app's folder.

Stopping:
  Ctrl+C, SIGTERM or a closed terminal end the app, then its sidecar; a second Ctrl+C kills them.
  When the CLI itself is killed, the sidecar ends the app and itself.

Environment:
  DAPR_DAPRD_PATH  another sidecar to start instead of this CLI's own, e.g. the original's daprd
  DAPR_API_TOKEN   the token the sidecar asks for; handed on to it
  NO_COLOR         no colours

  The app's PATH starts with this CLI's Node when the \`node\` on PATH is older than 22.18, so that it runs TypeScript.
`;

export const run = command(
  "run",
  "Run an app and its Dapr sidecar side by side",
  runFlags,
  {
    usage: "[flags] [--] [command [arguments]]",
    takes: "file",
    examples,
    notes,
  },
  async (invocation) => {
    const { flags } = invocation;
    const stop = watchForStop();
    try {
      if (flags.kubernetes) {
        const { runInCluster } = await import("../kubernetes/run-file.ts");
        return await runInCluster(invocation, stop);
      }
      return await (flags["run-file"]
        ? runMany(invocation, stop)
        : single(invocation, stop));
    } finally {
      stop.dispose();
    }
  },
);

async function single(
  { flags, words, io }: CommandInput<typeof runFlags>,
  stop: ReturnType<typeof watchForStop>,
) {
  if (words.length === 0) io.out("WARNING: no application command found.");
  if (flags["unix-domain-socket"])
    io.status("warning", "Unix domain sockets are currently a preview feature");
  const binary = findSidecar();
  const running = await findInstances();
  const appId =
    flags["app-id"] || randomAppId(new Set(running.map((i) => i.appId)));
  const home = daprHome(flags["runtime-path"]);
  const spec = specFromFlags(flags, appId, home, words);
  checkSpec(spec, binary.own);
  await checkComponents(spec);
  await assignPorts(spec, running);
  sayIfNoComponents(spec, io);
  sayIfRunning(appId, running, io);
  if (isOld(await sidecarVersion(binary)))
    io.status(
      "info",
      "The scheduler is only compatible with dapr runtime 1.14 onwards.",
    );
  return runOne(spec, binary, io, stop, home);
}

/** True below 1.14 and for what is no version; `edge` is a daily build. */
function isOld(version: string): boolean {
  if (version === "edge") return false;
  const [, major, minor] = /^v?(\d+)\.(\d+)/.exec(version) ?? [];
  return (
    major === undefined ||
    Number(major) < 1 ||
    (Number(major) === 1 && Number(minor) < 14)
  );
}
