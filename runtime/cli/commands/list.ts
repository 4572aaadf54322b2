/** `dapr list`: the running apps. */
import { CommandError, command } from "../command.ts";
import { findInstances, runDetails } from "../instances/instances.ts";
import type { Instance, RunDetails } from "../instances/instances.ts";
import { age, created } from "../age.ts";
import type { AppRow } from "../kubernetes/list-pods.ts";
import { printable } from "../printable.ts";
import { renderTable } from "../table.ts";

export const list = command(
  "list",
  "List the running apps and their sidecars",
  {
    output: {
      type: "string",
      short: "o",
      default: "table",
      choices: ["table", "json", "yaml"],
      about: "The output format: table, json or yaml",
    },
    kubernetes: {
      type: "bool",
      short: "k",
      about: "List the apps in Kubernetes",
    },
    "all-namespaces": {
      type: "bool",
      short: "A",
      about: "With -k: of all namespaces",
    },
    namespace: { type: "string", about: "With -k: of this namespace" },
  },
  {},
  async ({ flags, io }) => {
    if (!["table", "json", "yaml"].includes(flags.output))
      throw new CommandError("An invalid output format was specified.");
    const rows = flags.kubernetes
      ? await (
          await import("../kubernetes/list-pods.ts")
        ).listApps(
          flags.namespace && !flags["all-namespaces"]
            ? { namespace: flags.namespace }
            : "all",
        )
      : await Promise.all(
          (await findInstances()).map(async (instance) =>
            describe(instance, await runDetails(instance)),
          ),
        );
    // No line end after JSON, as in the original.
    if (flags.output === "json")
      process.stdout.write(printable(JSON.stringify(rows, null, 2)));
    else if (flags.output === "yaml")
      process.stdout.write(printable((await import("yaml")).stringify(rows)));
    else if (rows.length === 0) io.out("No Dapr instances found.");
    else
      io.out(
        renderTable(
          rows.map((row) => ("appPid" in row ? tableRow(row) : podRow(row))),
          // A script gets all columns.
          process.stdout.isTTY ? { width: process.stdout.columns, spare } : {},
        ),
      );
    if (flags.kubernetes && flags.output === "table")
      await (
        await import("../kubernetes/root-certificate.ts")
      ).warnOfExpiry(io);
    return 0;
  },
);

/** Columns that a narrow terminal leaves out; `-o json` has them. */
const spare = [
  "DAPRD LOG PATH",
  "APP LOG PATH",
  "RUN TEMPLATE PATH",
  "RUNTEMPLATENAME",
  "CREATED",
  "GRPC PORT",
  "CLI PID",
  "DAPRD PID",
];

type Row = ReturnType<typeof describe>;

function describe(instance: Instance, details: RunDetails, nowMs = Date.now()) {
  return {
    appId: instance.appId,
    httpPort: instance.httpPort,
    grpcPort: instance.grpcPort,
    appPort: instance.appPort,
    metricsEnabled: instance.metricsEnabled,
    command: details.command,
    age: age(nowMs - instance.startedMs),
    created: created(new Date(instance.startedMs)),
    daprdPid: instance.daprdPid,
    cliPid: instance.cli?.pid ?? 0,
    appPid: details.appPid,
    // Fixed in the original, too.
    maxRequestBodySize: 4194304,
    httpReadBufferSize: 4096,
    runTemplatePath: details.runTemplatePath,
    appLogPath: details.appLogPath,
    daprdLogPath: details.daprdLogPath,
    runTemplateName: details.runTemplateName,
  };
}

function tableRow(row: Row): Record<string, string> {
  return {
    "APP ID": row.appId,
    "HTTP PORT": String(row.httpPort),
    "GRPC PORT": String(row.grpcPort),
    "APP PORT": String(row.appPort),
    COMMAND: shorten(row.command.replace(/\s+/g, " ")),
    AGE: row.age,
    CREATED: row.created,
    "DAPRD PID": String(row.daprdPid),
    "CLI PID": String(row.cliPid),
    "APP PID": String(row.appPid),
    "RUN TEMPLATE PATH": row.runTemplatePath,
    "APP LOG PATH": row.appLogPath,
    "DAPRD LOG PATH": row.daprdLogPath,
    RUNTEMPLATENAME: row.runTemplateName,
  };
}

const podRow = (row: AppRow): Record<string, string> => ({
  NAMESPACE: row.namespace,
  "APP ID": row.appId,
  "APP PORT": row.appPort,
  AGE: row.age,
  CREATED: row.created,
});

const shorten = (text: string) =>
  text.length > 20 ? `${text.slice(0, 17)}...` : text;
