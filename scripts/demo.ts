/** `npm run demo:local`: the apps of a tutorial, each with its sidecar, and orders or messages flowing between them. */
import { cpSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { chalk, YAML } from "zx";
import { startDashboard, type DemoDashboard } from "./demo-dashboard.ts";
import { DemoFolder } from "./demo-folder.ts";
import { removeOldLogs } from "./demo-logs.ts";
import { OrderCount } from "./demo-orders.ts";
import { startRun, type Run } from "./demo-run.ts";
import { chooseScene } from "./demo-scenes.ts";
import { startService, type Service } from "./demo-service.ts";
import { root } from "./docker.ts";
import { fail, parseOptions } from "./options.ts";
import { PortClaims } from "./port-claims.ts";
import { freePort } from "./ports.ts";
import { watchForStop } from "./stop-wish.ts";

const usage = `npm run demo:local [-- OPTIONS]

  --tutorial NAME           bindings (default), pub-sub, hello-world or hello-kubernetes
  --broker embedded|kafka   of bindings and pub-sub: embedded (default) needs nothing but Node; kafka
                            uses docker-compose-single-kafka.yml and starts it if need be
  --broker redis            of pub-sub: the same with Redis
  --store embedded|redis    of the others: the same for their state store
  --dashboard               with \`dapr dashboard\` beside it: a page that shows the orders flow
  --count N                 stop after orders or messages 1…N came through; exit 0 only if all did
  --help                    this text`;

interface RunTemplate {
  common: { resourcesPaths: string[] };
  apps: {
    appID: string;
    appDirPath: string;
    appPort?: number;
    daprHTTPPort: number;
  }[];
}

const { values } = parseOptions("demo:local", usage, {
  tutorial: { type: "string" },
  broker: { type: "string" },
  store: { type: "string" },
  count: { type: "string" },
  dashboard: { type: "boolean" },
});
const scene = chooseScene(values);
if (values.count !== undefined && !/^[1-9]\d{0,5}$/.test(String(values.count)))
  fail(
    `--count ${values.count}: must be a whole number of ${scene.what}, 1 or more.`,
  );
const orders = values.count
  ? new OrderCount(Number(values.count), scene.what, scene.orderReader())
  : undefined;

if (process.env.NO_COLOR) chalk.level = 0; // chalk ignores NO_COLOR

/** A colour for each app. */
const appColours = [chalk.cyan, chalk.magenta, chalk.yellow];
const seenApps: string[] = [];
function prefixOf(app: string): string {
  if (!seenApps.includes(app)) seenApps.push(app);
  const colour = appColours[seenApps.indexOf(app) % appColours.length]!;
  return colour(`== APP - ${app} ==`);
}

/** Why the demo ends, and with which exit code. The first reason counts. */
let ending: { why: string; code: number } | undefined;
const stopping = new AbortController();
function end(why: string, code: number): void {
  if (stopping.signal.aborted) return;
  ending = { why, code };
  stopping.abort();
}

let apps: Run | undefined;
let dashboard: DemoDashboard | undefined;
watchForStop({
  asked: (why) => end(why, 0),
  insisted: () => apps?.kill(),
});

let service: Service | undefined;
let folder: DemoFolder | undefined;
let claims: PortClaims | undefined;
try {
  folder = new DemoFolder(root);
  if (scene.service)
    service = await startService(scene.service, stopping.signal);
  if (!ending) await run(folder);
} catch (error) {
  end((error as Error).message, 1);
} finally {
  await dashboard?.stop();
  claims?.release();
  folder?.remove();
  await service?.stop();
}
report();

async function run(folder: DemoFolder): Promise<void> {
  const template = await writeTemplate(folder);
  const runFile = join(folder.path, "dapr.yaml");
  if (values.dashboard)
    dashboard = await startDashboard(
      await freePort(8080, (port) => claims!.claim(port)),
      runFile,
      (why) => end(why, 1),
    );
  if (stopping.signal.aborted) return;
  console.log(banner(template));
  const registry = join(folder.path, "sidecars");
  apps = startRun(runFile, registry, {
    line: (app, text) => {
      console.log(`${prefixOf(app)} ${text}`);
      if (orders?.seen(app, text))
        end(
          `${orders.total} of ${orders.total} ${orders.what} came through`,
          0,
        );
    },
    warning: (text) => console.error(text),
    ended: (why) => end(why, 1),
  });
  const late = setInterval(() => {
    const reason = orders?.overdue();
    if (reason) end(reason, 1);
  }, 500);
  await new Promise<void>((resolve) => {
    stopping.signal.addEventListener("abort", () => resolve());
  });
  clearInterval(late);
  console.log(`\nStopping (${ending?.why}) …`);
  await apps.stop(ending?.why === "Ctrl+C");
}

/** The project's run file, with ports that are free now. */
async function writeTemplate(folder: DemoFolder): Promise<RunTemplate> {
  const runFile = join(root, scene.runFile);
  const inProject = (path: string) => resolve(dirname(runFile), path);
  const template = YAML.parse(readFileSync(runFile, "utf8")) as RunTemplate;
  template.common.resourcesPaths = template.common.resourcesPaths.map(
    (path) => {
      if (!scene.copiesComponents) return inProject(path);
      // The component names its SQLite file relative to itself, two folders up. So a copy has a
      // queue of its own, without the orders that an interrupted run left.
      const copy = join(folder.path, "components", "embedded");
      cpSync(inProject(path), copy, { recursive: true });
      return copy;
    },
  );
  const ours = (claims = new PortClaims());
  const claim = (port: number) => ours.claim(port);
  for (const app of template.apps) {
    app.appDirPath = inProject(app.appDirPath);
    // With this run's logs, those of the last five runs stay.
    removeOldLogs(join(app.appDirPath, ".dapr", "logs"), 4);
    if (app.appPort) app.appPort = await freePort(app.appPort, claim);
    app.daprHTTPPort = await freePort(app.daprHTTPPort, claim);
  }
  writeFileSync(join(folder.path, "dapr.yaml"), YAML.stringify(template));
  return template;
}

function banner({ apps }: RunTemplate): string {
  const width = Math.max(12, ...apps.map(({ appID }) => appID.length));
  const row = (name: string, text: string) => `  ${name.padEnd(width)} ${text}`;
  const rows = apps.map(({ appID, appPort, daprHTTPPort }) => {
    const app = appPort ? `app on port ${appPort}` : "app without a port";
    return row(appID, `${app.padEnd(19)} sidecar on port ${daprHTTPPort}`);
  });
  const page = apps.find(({ appID }) => appID === scene.page);
  if (page) rows.push(row("page", `http://localhost:${page.appPort}/`));
  if (dashboard) rows.push(row("dashboard", dashboard.url));
  const folders = new Set(
    apps.map(({ appDirPath }) => relative(root, appDirPath)),
  );
  const logs = [...folders].map((folder) => `${folder}/.dapr/logs`).join(", ");
  return `
${chalk.bold(scene.flow)}
${rows.join("\n")}
${row(scene.keeper.word, service?.about ?? scene.keeper.about)}
${row("logs", `${logs} (of the last five runs)`)}
${row("to stop", orders ? `by itself after ${orders.total} ${orders.total === 1 ? orders.what.slice(0, -1) : orders.what}, or Ctrl+C` : "Ctrl+C")}
`;
}

function report(): void {
  const { why, code } = ending ?? { why: "nothing was started", code: 1 };
  if (code === 0) console.log(`Demo ended: ${why}. Nothing is left running.`);
  else {
    const rest = apps ? " Everything the demo started was stopped." : "";
    console.error(chalk.red(`Demo failed: ${why.replace(/\.$/, "")}.${rest}`));
  }
  process.exitCode = code;
  // By itself the process ends when the event loop is empty; see runtime/shared/process/exit.ts.
  setTimeout(() => process.exit(code), 300).unref();
}
