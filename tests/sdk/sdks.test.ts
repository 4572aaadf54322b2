/**
 * Programs written with the official SDKs, unmodified, beside a sidecar: each call of a block is made once and its answer checked.
 * docs/sdks.md says what was found.
 */
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { programIn } from "../../scripts/python.ts";
import { startKafka, type KafkaBroker } from "../contracts/kafka-broker.ts";
import { component, fileStore } from "../support/component.ts";
import {
  otherSidecar,
  startDaprd,
  stopAll,
  type Daprd,
} from "../support/daprd.ts";
import { freePorts } from "../support/ports.ts";
import {
  startPostgres,
  type PostgresContainer,
} from "../support/postgres-server.ts";
import { closeApps, startApp } from "../support/recording-app.ts";
import { tempFolder } from "../support/temp-folder.ts";
import { capabilities } from "./capabilities.ts";
import { startProgram, type Program } from "./program.ts";
import { readTable, rowOf, writeTable, type Cells } from "./table.ts";

interface Run {
  /** Of the table. */
  column: string;
  appProtocol: "http" | "grpc";
  command: string[];
  /** There once scripts/install-sdks.ts has installed the SDK. */
  installed: string;
}

const here = (...path: string[]) => join(__dirname, ...path);
const python = programIn(here(".cache", "python"), "python");
const go = here(".cache", "go", "sdk");
const protocols = { http: "HTTP", grpc: "gRPC" } as const;
const runs: Run[] = [
  ...(["http", "grpc"] as const).map((appProtocol) => ({
    column: `JavaScript, ${protocols[appProtocol]}`,
    appProtocol,
    command: [process.execPath, here("js", "app.mjs"), appProtocol],
    installed: here("js", "node_modules", "@dapr", "dapr"),
  })),
  {
    column: "Python",
    appProtocol: "grpc",
    command: [python, here("python", "app.py"), "grpc"],
    installed: python,
  },
  {
    column: "Python",
    appProtocol: "http",
    command: [python, here("python", "app.py"), "flask"],
    installed: python,
  },
  {
    column: "Python, asyncio",
    appProtocol: "http",
    command: [python, here("python", "async_app.py")],
    installed: python,
  },
  ...(["grpc", "http"] as const).map((appProtocol) => ({
    column: "Go",
    appProtocol,
    command: [go, appProtocol],
    installed: go,
  })),
];

let kafka: KafkaBroker;
let postgres: PostgresContainer;
let folder: string;
/** Another app, which speaks HTTP, beside a sidecar of its own. */
let neighbour: Daprd;
const programs: Program[] = [];
const found: Cells = {};

beforeAll(async () => {
  folder = tempFolder("sdk");
  const secrets = JSON.stringify({ first: "one", second: "two" });
  writeFileSync(join(folder, "secrets.json"), secrets);
  [kafka, postgres] = await Promise.all([startKafka(), startPostgres()]);
  const app = await startApp(({ method, path, body }) => ({
    status: 200,
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ method, path, body }),
  }));
  neighbour = await startSidecar(
    { appId: "neighbour", appPort: app.port },
    "http",
  );
});
afterAll(async () => {
  for (const program of programs) program.kill();
  await stopAll();
  await closeApps();
  await Promise.all([kafka?.stop(), postgres?.stop()]);
});

describe.each(runs.filter(({ installed }) => existsSync(installed)))(
  "$column, an app that speaks $appProtocol",
  ({ column, appProtocol, command }) => {
    let program: Program;

    test("calls everything, is called, and ends its sidecar", async () => {
      const [appPort, ...ports] = (await freePorts(3)) as [
        number,
        number,
        number,
      ];
      const name = `${column} ${appProtocol}`
        .replace(/\W+/g, "-")
        .toLowerCase();
      const place = { appId: `sdk-${name}`, appPort, ports, token: "sesame" };
      // It listens, and waits for its sidecar.
      program = await startProgram(command, place);
      programs.push(program);
      const sidecar = await startSidecar(place, appProtocol, resources(name));
      await program.called();
      const callee = `invocation.callee-${appProtocol}`;
      program.reports.set(callee, await callGreet(place.appId));
      program.reports.set("sidecar.token", await tokenOf(sidecar, program));
      await program.end();
      if (program.reports.get("sidecar.shutdown") !== "works") return;
      const end = await sidecar.exited;
      // Dapr 1.14 ends with 1 after subscriptions by streams.
      if (!otherSidecar) expect(end).toEqual({ code: 0, signal: null });
    });

    test.each(capabilities)("$block: $what", (capability) => {
      const report = program.reports.get(capability.id);
      if (report === undefined) return; // not of this SDK; the table says so
      const cell = cellOf(report);
      (found[column] ??= {})[rowOf(capability)] = cell;
      if (otherSidecar && (capability.isProbe || capability.isNewer)) return;
      expect(["works", notYet]).toContain(cell);
    });
  },
);

/** The table is the product of ours; an SDK that is not installed keeps its column. */
test("the table of docs/sdks.md says what was found", () => {
  if (otherSidecar) return;
  for (const cells of Object.values(found))
    for (const row of capabilities.map(rowOf)) cells[row] ??= "–";
  if (process.env["DAPR_TEST_WRITE_SDKS"] === "true") writeTable(found);
  // DAPR_TEST_WRITE_SDKS=true npm test sdk writes it.
  expect(readTable()).toMatchObject(found);
});

const notYet = "not in this version";
const cellOf = (report: string) =>
  report.includes("not in this version of the sidecar") ? notYet : report;

const startSidecar = (
  {
    token,
    ...place
  }: {
    appId: string;
    appPort: number;
    ports?: [number, number];
    token?: string;
  },
  appProtocol: string,
  files: Record<string, string> = {},
) =>
  startDaprd({
    ...place,
    args: [`--app-protocol=${appProtocol}`, "--enable-metrics=false"],
    // Each finds the other there.
    env: {
      DAPR_REGISTRY_PATH: join(folder, "sidecars"),
      DAPR_API_TOKEN: token,
    },
    resources: files,
  });

/** What the neighbour gets of the program's own method. */
async function callGreet(appId: string): Promise<string> {
  const { status, text } = await neighbour.call(
    "POST",
    `/v1.0/invoke/${appId}/method/greet`,
    {
      headers: { "content-type": "application/json" },
      body: '{"name":"Ada"}',
    },
  );
  return status === 200 && text === '{"hello":"Ada"}'
    ? "works"
    : `${status} ${text}`;
}

/** A call that worked has shown the token if the sidecar asks for one. */
async function tokenOf(sidecar: Daprd, { reports }: Program): Promise<string> {
  const { status } = await sidecar.call("GET", "/v1.0/metadata");
  const call = reports.get("invocation.http-app") ?? "no call";
  return status === 401 ? call : `without a token: ${status}`;
}

/** Components that both makes have; topic and table are a run's own. */
const resources = (name: string) => ({
  "statestore.yaml": component("statestore", "state.postgresql", {
    connectionString: `${postgres.url()}?sslmode=disable`,
    tableName: `state_${name.replaceAll("-", "_")}`,
    metadataTableName: `metadata_${name.replaceAll("-", "_")}`,
  }),
  "orders.yaml": component("orders", "bindings.kafka", {
    brokers: kafka.address,
    authType: "none",
    topics: name,
    publishTopic: name,
    consumerGroup: name,
    initialOffset: "oldest",
  }),
  "files.yaml": component("files", "bindings.localstorage", {
    rootPath: join(folder, name),
  }),
  // What is published before the app is asked for its topics must not be lost.
  "pubsub.yaml": component("pubsub", "pubsub.kafka", {
    brokers: kafka.address,
    authType: "none",
    consumerGroup: `${name}-topics`,
    initialOffset: "oldest",
  }),
  "vault.yaml": fileStore("vault", join(folder, "secrets.json")),
});
