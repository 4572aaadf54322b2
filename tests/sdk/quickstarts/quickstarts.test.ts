/**
 * Dapr's quickstarts, as their readers run them: the commands, components and run files of their READMEs on their own ports,
 * with a Redis, a PostgreSQL and a Kafka where their components name them. The apps are ours and do what those of the quickstarts do; with
 * DAPR_TEST_QUICKSTARTS=FOLDER, a clone of github.com/dapr/quickstarts, they are the quickstarts' own.
 */
import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { programIn } from "../../../scripts/python.ts";
import { Terminal } from "../../../scripts/tutorial-terminal.ts";
import { takeTurn } from "../../../scripts/tutorial-turn.ts";
import {
  startPostgres,
  type PostgresContainer,
} from "../../support/postgres-server.ts";
import { isFree } from "../../support/ports.ts";
import { startKafka, type KafkaBroker } from "../../contracts/kafka-broker.ts";
import { startRedis, type RedisContainer } from "../../support/redis-server.ts";
import { tempFolder } from "../../support/temp-folder.ts";
import { waitFor } from "../../wait-for.ts";
import { launcher } from "../../end-to-end/cli-process.ts";
import { appEnds, quickstarts, type Typed, type Way } from "./quickstarts.ts";

const sdk = (...path: string[]) => join(__dirname, "..", ...path);
const clone = process.env["DAPR_TEST_QUICKSTARTS"];
const files = clone ?? join(__dirname, "files");
const venv = sdk(".cache", "python");
const python = programIn(venv, "python");
const packages = sdk("js", "node_modules");
const hasPython = existsSync(python);

/** A reader's folders: his clone, his home, and the programs that he has installed. */
const place = tempFolder("quickstarts");
const programs = join(place, "bin");
const env = {
  ...process.env,
  DAPR_RUNTIME_PATH: place,
  DAPR_REGISTRY_PATH: join(place, "sidecars"),
};
/** The limit for a line: far more than any takes. It only ends a test that hangs. */
const limitSeconds = 240;

const opened: Terminal[] = [];
let endTurn = () => {};
let redis: RedisContainer | undefined;
let postgres: PostgresContainer | undefined;
let kafka: KafkaBroker | undefined;

beforeAll(async () => {
  // The quickstarts' own; those of sidecars that no flag names are free ones.
  endTurn = await takeTurn({
    ports: [
      3000, 3500, 3501, 5001, 5002, 5003, 5004, 5005, 5432, 6001, 6021,
    ].concat([6379, 8001, 8080, 9092, 50051]),
  });
  [redis, postgres, kafka] = await Promise.all([
    startRedis({ port: 6379 }),
    startPostgres({ port: 5432, password: "docker", database: "orders" }),
    startKafka({}, {}, {}, 9092),
  ]);
  await postgres.query(
    "create table orders ( orderid int, customer text, price float )",
  );
  mkdirSync(programs);
  symlinkSync(launcher, join(programs, "dapr"));
  symlinkSync(process.execPath, join(programs, "node"));
  cpSync(files, place, { recursive: true });
  // A secret store names it as it is where its app starts.
  writeFileSync(join(place, "secrets.json"), "{}");
  await types(place, "dapr init");
  // Tutorials of another copy of the kit end first.
}, 1_800_000);
/** What a test that failed has left. */
afterEach(async () => {
  for (const terminal of opened.splice(0).toReversed()) await terminal.end();
});
afterAll(async () => {
  await Promise.all([redis?.stop(), postgres?.stop(), kafka?.stop()]);
  endTurn();
});

function open(cwd: string, command: string): Terminal {
  const terminal = new Terminal(command, () => {}, {
    cwd,
    env,
    programs: [programs, dirname(python)].join(":"),
  });
  opened.push(terminal);
  return terminal;
}

/** A command that ends. Resolves with its lines. */
async function types(cwd: string, command: string): Promise<string[]> {
  const terminal = open(cwd, command);
  await terminal.until(() => false, limitSeconds);
  expect([command, terminal.exitCode, terminal.printed]).toEqual([
    command,
    0,
    terminal.printed,
  ]);
  return terminal.printed;
}

/** The lines that no line of its own contains, in whatever order they come: those of different programs have none. */
function missing(lines: string[], printed: string[]): string[] {
  const left = [...printed];
  return lines.filter((line) => {
    const at = left.findIndex((one) => one.includes(line));
    if (at >= 0) left.splice(at, 1);
    return at < 0;
  });
}

async function prints(terminal: Terminal, lines: string[]): Promise<void> {
  const { printed } = terminal;
  await terminal.until(
    () => missing(lines, printed).length === 0,
    limitSeconds,
  );
  if (missing(lines, printed).length > 0)
    throw new Error(
      `missing: ${missing(lines, printed).join("\n")}\nprinted:\n${printed.join("\n")}`,
    );
}

async function ends(terminal: Terminal): Promise<void> {
  await prints(terminal, [appEnds]);
  await terminal.until(() => false, limitSeconds);
  expect([terminal.printed, terminal.exitCode]).toEqual([terminal.printed, 0]);
}

/** Another program may have taken one meanwhile, say a demo that somebody started. */
async function portsAreFree(all: Typed[]): Promise<void> {
  const ports = all.flatMap(({ command }) =>
    [...command.matchAll(/-port (\d+)/g)].map(([, port]) => Number(port)),
  );
  for (const port of ports)
    await waitFor(`port ${port} to be free`, () => isFree(port));
}

/** What a reader installs first: for the apps of a clone as he does it, in the versions that they ask for; for ours it is here already. */
async function install(folder: string): Promise<void> {
  const apps = readdirSync(folder).map((name) => join(folder, name));
  for (const one of [folder, ...apps]) {
    const has = (name: string) => existsSync(join(one, name));
    if (clone) {
      if (has("package.json")) await types(one, "npm install");
      if (has("pyproject.toml")) await types(one, "uv sync --all-packages");
      continue;
    }
    if (has("package.json")) symlinkSync(packages, join(one, "node_modules"));
    if (has("app.py")) symlinkSync(venv, join(one, ".venv"));
  }
}

/** What each run of the bindings' schedule inserts: order, customer, price. */
const batch = [
  [1, "John Smith", 100.32],
  [2, "Jane Bond", 15.4],
  [3, "Tony James", 35.56],
];

describe.each(
  quickstarts.filter(({ language }) => language !== "Python" || hasPython),
)("$folder", ({ folder, needs, ways }) => {
  const home = join(place, folder);
  beforeAll(() => install(home), 600_000);
  if (needs === "PostgreSQL")
    beforeEach(() => postgres!.query("truncate orders"));

  test.each(ways)("$name", async ({ typed: all, stop }: Way) => {
    await portsAreFree(all);
    const running: [Terminal, Typed][] = [];
    for (const typed of all) {
      if (typed.ends) {
        const printed = await types(join(home, typed.in), typed.command);
        expect([printed, missing(typed.prints, printed)]).toEqual([
          printed,
          [],
        ]);
        continue;
      }
      const terminal = open(join(home, typed.in), typed.command);
      running.push([terminal, typed]);
      // A reader opens the next terminal when this one says that all is up.
      await prints(terminal, typed.prints.slice(0, 1));
    }
    for (const [terminal, typed] of running)
      await prints(terminal, typed.prints);
    for (const command of stop) {
      const text = (await types(home, command)).join("\n");
      const id = command.split("--app-id ")[1];
      expect(text).toContain(
        id
          ? `app stopped successfully: ${id}`
          : "Dapr and app processes stopped successfully",
      );
    }
    for (const [terminal] of running) await ends(terminal);
    if (needs !== "PostgreSQL") return;
    // However many runs of the schedule there were.
    expect(
      await postgres!.query("select distinct * from orders order by orderid"),
    ).toEqual(batch);
  });
});

/** Those of all quickstarts and tutorials, also of those whose building block is not in this version. */
const resourceFolders = readdirSync(files, {
  recursive: true,
  encoding: "utf8",
}).filter((path) => /(^|[\\/])(components|resources)$/.test(path));

test.each(resourceFolders)("%s: a sidecar starts with it", async (folder) => {
  const id = "resources";
  const terminal = open(
    place,
    `dapr run --app-id ${id} --resources-path ${folder}`,
  );
  await prints(terminal, [
    "dapr initialized. Status: Running",
    "You're up and running! Dapr logs will appear here.",
  ]);
  await types(place, `dapr stop --app-id ${id}`);
  await terminal.until(() => false, limitSeconds);
  expect([terminal.printed, terminal.exitCode]).toEqual([terminal.printed, 0]);
  expect(terminal.printed.join("\n")).not.toMatch(/level=(fatal|error)/);
});
