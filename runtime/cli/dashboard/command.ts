/** `dapr dashboard`: a page that shows what runs on this machine or in a cluster, and what passes. */
import { isIP } from "node:net";
import { about } from "../commands/about.ts";
import {
  CommandError,
  UsageError,
  command,
  type FlagTable,
} from "../command.ts";
import { sayMisplaced } from "../commands/misplaced-flags.ts";
import { printVersion } from "../commands/version.ts";
import { listeners } from "../doctor/listeners.ts";
import { aborted, watchForStop } from "../ending.ts";
import { daprHome } from "../home.ts";
import { findRunFile } from "../run/run-file.ts";
import { isLoopback, withPort } from "../../shared/addresses.ts";
import { LiveView } from "./live-view.ts";
import { localSidecars } from "./local-sidecars.ts";
import { openDashboard, type Dashboard } from "./server.ts";
import type { SidecarSource } from "./sidecar.ts";

const examples = `
# All apps of this machine
dapr dashboard

# On a free port
dapr dashboard -p 0

# Only the apps of a run file
dapr dashboard -f dapr.yaml

# The apps in the cluster that kubectl points at
dapr dashboard -k
`;

const inCluster = {
  namespace: {
    type: "string",
    short: "n",
    default: "dapr-system",
    about: "With -k: the namespace of the control plane",
  },
} as const satisfies FlagTable;

const here = {
  "run-file": {
    type: "string",
    short: "f",
    takes: "file",
    about: "Only apps started from this run file",
  },
} as const satisfies FlagTable;

export const dashboard = command(
  "dashboard",
  about.dashboard,
  {
    port: {
      type: "int",
      short: "p",
      default: 8080,
      about: "The port of the page; 0 is a free one",
    },
    address: {
      type: "string",
      short: "a",
      default: "localhost",
      about: "The address of the page: localhost or a loopback address",
    },
    ...here,
    kubernetes: {
      type: "bool",
      short: "k",
      about: "Show the apps in Kubernetes",
    },
    ...inCluster,
    version: { type: "bool", short: "v", about: "Print the versions" },
  },
  {
    examples,
    notes:
      "The page lives as long as this command, and looks at sidecars only while it is open. It sees the calls of those that `dapr run` of this kit started; in a cluster of those with a DAPR_WATCH_TOKEN. With -k kubectl does the work, and nothing is installed in the cluster.",
  },
  async ({ flags, given, words, io }) => {
    if (flags.version) return printVersion("", io);
    if (words.length > 0)
      throw new UsageError(`dashboard takes no words: ${words.join(" ")}`);
    if (flags.kubernetes) sayMisplaced(given, here, "with -k", io);
    else sayMisplaced(given, inCluster, "without -k", io);
    const { address, port } = flags;
    if (port < 0 || port > 65_535)
      throw new UsageError(
        `invalid argument "${port}" for "-p, --port" flag: a port is 0 to 65535`,
      );
    checkAddress(address);
    const stop = watchForStop();
    let source: SidecarSource | undefined;
    try {
      source = flags.kubernetes
        ? await (
            await import("./cluster/open-cluster.ts")
          ).openCluster(flags.namespace, io)
        : localSidecars({
            home: daprHome(flags["runtime-path"]),
            runFile:
              flags["run-file"] && (await findRunFile(flags["run-file"])),
          });
      if (stop.asked.aborted) return 0;
      const view = new LiveView(source, (message) =>
        io.status("warning", message),
      );
      const opened = await open(view, address, port);
      io.status(
        "info",
        `Dapr dashboard available at:\thttp://${withPort(address, opened.port)}`,
      );
      await aborted(stop.asked);
      await opened.close();
      return 0;
    } catch (error) {
      // Ctrl+C reaches a kubectl, too, which then fails.
      if (stop.asked.aborted) return 0;
      throw error;
    } finally {
      await source?.close();
      stop.dispose();
    }
  },
);

/** What the page shows is for this user's eyes, so no other machine may ask for it. */
function checkAddress(address: string) {
  if (address !== "localhost" && isIP(address) === 0)
    throw new CommandError(
      `Invalid address: ${address}\n    Use localhost, 127.0.0.1 or ::1.`,
    );
  if (!isLoopback(address))
    throw new CommandError(
      `Invalid address: ${address}\n    The dashboard is for this machine only: use localhost, 127.0.0.1 or ::1. From another machine: \`ssh -L 8080:localhost:8080 THIS-MACHINE\`.`,
    );
}

async function open(
  view: LiveView,
  address: string,
  port: number,
): Promise<Dashboard> {
  // Not by name: on some machines it would be IPv6 alone.
  const host = address === "localhost" ? "127.0.0.1" : address;
  try {
    return await openDashboard(view, host, port);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === "EADDRINUSE") throw new CommandError(await whyTaken(port));
    if (code === "EACCES")
      throw new CommandError(
        `the system does not let this user listen on port ${port}: use another one, say \`dapr dashboard -p 8080\``,
      );
    if (code === "EADDRNOTAVAIL")
      throw new CommandError(
        `Invalid address: ${address}\n    This machine does not have it: use localhost.`,
      );
    throw error instanceof CommandError
      ? error
      : new CommandError(`the dashboard can't be opened: ${message}`);
  }
}

async function whyTaken(port: number): Promise<string> {
  const owner = (await listeners()).get(port);
  return `port ${port} is taken${owner ? ` by ${owner.name} (PID ${owner.pid})` : ""}: name another one with --port, or 0 for a free one`;
}
