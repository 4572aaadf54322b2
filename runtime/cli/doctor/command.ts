/** `dapr doctor`: looks at what a run needs, and says what to do about what is wrong, in the order to do it. */
import { about } from "../commands/about.ts";
import { CommandError, command } from "../command.ts";
import { statusLine, type Io, type Status } from "../io.ts";
import { printable } from "../printable.ts";
import { checkApps } from "./apps.ts";
import { checkCertificates } from "./certificates.ts";
import { checkCluster } from "./cluster.ts";
import { checkDiscovery } from "./discovery.ts";
import { checkDocker } from "./docker.ts";
import { examined } from "./examine.ts";
import { failure, type Examined, type Finding } from "./finding.ts";
import { checkInstallation } from "./installation.ts";
import { checkInstances } from "./instances.ts";
import { checkNode } from "./node.ts";
import { checkPorts } from "./ports.ts";
import { checkProxies } from "./proxies.ts";
import { checkResources } from "./resources.ts";

/** What a later check needs is put right by an earlier one. */
const checks: [string, (examined: Examined) => Promise<Finding[]>][] = [
  ["Node", checkNode],
  ["Installation", checkInstallation],
  ["YAML", checkResources],
  ["Apps", checkApps],
  ["Sidecars", checkInstances],
  ["Ports", checkPorts],
  ["Proxies", () => checkProxies()],
  ["Certificates", () => checkCertificates()],
  ["Docker", checkDocker],
  ["Kubernetes", checkCluster],
  ["mDNS", checkDiscovery],
];

const glyphs: Record<Finding["status"], Status> = {
  ok: "success",
  note: "info",
  warning: "warning",
  failure: "failure",
};

const examples = `
# This machine, and the components of dapr init
dapr doctor

# What a run of this folder would take
dapr doctor --resources-path ./components --config config.yaml

# Everything a run file names, its ports too
dapr doctor -f dapr.yaml
`;

export const doctor = command(
  "doctor",
  about.doctor,
  {
    "resources-path": {
      type: "list",
      takes: "folder",
      about: "Folders of resource files; <dapr>/components if absent",
    },
    config: {
      type: "list",
      short: "c",
      takes: "file",
      about: "Configuration files; <dapr>/config.yaml if absent",
    },
    "run-file": {
      type: "string",
      short: "f",
      takes: "file",
      about: "A run file: its folders, configurations and ports",
    },
    output: {
      type: "string",
      short: "o",
      default: "text",
      choices: ["text", "json"],
      about: "The output format: text or json",
    },
  },
  {
    examples,
    notes: "The exit code is 1 if something has to be put right, else 0.",
  },
  async ({ flags, io }) => {
    if (!["text", "json"].includes(flags.output))
      throw new CommandError("An invalid output format was specified.");
    const all = await runChecks(await examined(flags));
    if (flags.output === "json")
      io.out(printable(JSON.stringify(all, null, 2)));
    else print(all, flags["log-as-json"], io);
    return all.some(({ status }) => status === "failure") ? 1 : 0;
  },
);

type Told = Finding & { check: string };

async function runChecks(about: Examined): Promise<Told[]> {
  const found = await Promise.all(
    checks.map(async ([check, run]) => {
      try {
        return (await run(about)).map((one) => ({ check, ...one }));
      } catch (error) {
        // One check that can't be made must not hide the others.
        const why = (error as Error).message;
        return [{ check, ...failure(`this could not be checked: ${why}`) }];
      }
    }),
  );
  return found.flat();
}

/** All on one stream, so that the order holds; JSON events are told apart by their status. */
function print(all: readonly Told[], asEvents: boolean, io: Io) {
  for (const { check, status, message, hint } of all) {
    const text = `${check}: ${message}${hint ? `\n    ${hint}` : ""}`;
    if (asEvents) io.status(glyphs[status], text);
    else io.out(statusLine(glyphs[status], text));
  }
  const count = (status: Finding["status"]) =>
    all.filter((one) => one.status === status).length;
  const [failures, warnings] = [count("failure"), count("warning")];
  if (asEvents) return;
  io.out("");
  io.out(
    failures + warnings === 0
      ? "Nothing is wrong."
      : `${failures} to put right, ${warnings} to look at, in this order.`,
  );
}
