/** Runs the shipped `dapr dashboard`, and an app with its sidecar for it to show. */
import { request, type IncomingMessage } from "node:http";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type {
  App,
  LogEvent,
  PageEvent,
} from "../../runtime/cli/dashboard/messages.ts";
import type {
  CallEvent,
  DeliveryEvent,
} from "../../runtime/shared/watch-event.ts";
import { cli, freePort, type CliRun } from "../end-to-end/cli-process.ts";
import { waitFor } from "../wait-for.ts";
import { call, type Reply } from "./http.ts";

/** Echoes what it gets, takes the topic `orders`, and answers 500 to /fail, and two megabytes to /large. */
const app = `
const { createServer } = require("node:http");
createServer((request, response) => {
  let body = "";
  request.on("data", (chunk) => (body += chunk));
  request.on("end", () => {
    response.setHeader("content-type", "application/json");
    if (request.url === "/dapr/subscribe")
      return response.end(JSON.stringify([{ pubsubname: "pubsub", topic: "orders", route: "/orders" }]));
    if (request.method === "OPTIONS") return response.writeHead(404).end();
    console.log("got", request.method, request.url, body.slice(0, 100));
    if (request.url === "/large") return response.end("x".repeat(2 << 20));
    if (request.url === "/fail") response.statusCode = 500;
    response.end(JSON.stringify({ echo: body }));
  });
}).listen(Number(process.env.APP_PORT), () => console.log("listening"));
`;

const component = (name: string, type: string, metadata: object) => `
apiVersion: dapr.io/v1alpha1
kind: Component
metadata: { name: ${name} }
spec:
  type: ${type}
  version: v1
  metadata:
${Object.entries(metadata)
  .map(([key, value]) => `    - { name: ${key}, value: ${value} }`)
  .join("\n")}
`;

export interface Shop {
  run: CliRun;
  appId: string;
  httpPort: number;
  runFile: string;
  end(): Promise<void>;
}

/** `dapr run -f` of one app with a component of each kind, all in `dir`. */
export async function startShop(dir: string, appId: string): Promise<Shop> {
  const home = join(dir, appId);
  const resources = join(home, "resources");
  mkdirSync(resources, { recursive: true });
  writeFileSync(join(home, "app.js"), app);
  const file = (name: string, text: string) =>
    writeFileSync(join(resources, name), text);
  const database = (name: string) =>
    ({ connectionString: join(home, name) }) as const;
  file("pubsub.yaml", component("pubsub", "pubsub.sqlite", database("b.db")));
  file("store.yaml", component("store", "state.sqlite", database("s.db")));
  file(
    "files.yaml",
    component("files", "bindings.localstorage", {
      rootPath: join(home, "files"),
    }),
  );
  writeFileSync(join(home, "secrets.json"), '{"password":"canary-7391"}');
  file(
    "secrets.yaml",
    component("secrets", "secretstores.local.file", {
      secretsFile: join(home, "secrets.json"),
    }),
  );
  const httpPort = await freePort();
  const runFile = join(home, "dapr.yaml");
  writeFileSync(
    runFile,
    `version: 1
apps:
  - appID: ${appId}
    appDirPath: .
    appPort: ${await freePort()}
    daprHTTPPort: ${httpPort}
    resourcesPaths: [resources]
    command: [${JSON.stringify(process.execPath)}, app.js]
`,
  );
  const run = cli(["run", "-f", runFile], { env: envOf(dir) });
  await run.prints(`Started Dapr with app id "${appId}"`);
  await run.prints("listening");
  return {
    run,
    appId,
    httpPort,
    runFile,
    async end() {
      run.signal("SIGTERM");
      await run.exit;
    },
  };
}

/** `<dapr>` of all that is started in `dir`: other tests run sidecars, too. */
export const envOf = (dir: string) => ({ DAPR_RUNTIME_PATH: dir });

export interface TestDashboard {
  run: CliRun;
  port: number;
  url: string;
  get(path: string, headers?: Record<string, string>): Promise<Reply>;
  /** As the page does it. */
  post(
    path: string,
    body: unknown,
    headers?: Record<string, string>,
  ): Promise<Reply>;
  open(): Promise<TestPage>;
  logs(appId: string): Promise<Stream<LogEvent>>;
  end(): Promise<number | NodeJS.Signals>;
}

export async function startDashboard(
  dir: string,
  args: readonly string[] = [],
  env: Record<string, string> = {},
): Promise<TestDashboard> {
  const run = cli(["dashboard", "-p", "0", ...args], {
    env: { ...envOf(dir), ...env },
  });
  await run.prints("Dapr dashboard available at:\thttp://");
  const [, url = ""] = /available at:\t(\S+)/.exec(run.out) ?? [];
  const port = Number(new URL(url).port);
  return {
    run,
    port,
    url,
    get: (path, headers) =>
      call(port, "GET", path, { headers: { host: hostOf(url), ...headers } }),
    post: (path, body, headers) =>
      call(port, "POST", path, {
        headers: {
          host: hostOf(url),
          origin: url,
          "content-type": "application/json",
          "x-dapr-dashboard": "1",
          ...headers,
        },
        body: typeof body === "string" ? body : JSON.stringify(body),
      }),
    open: async () => pageOf(await openStream<PageEvent>(port, "/api/events")),
    logs: (appId) => openStream<LogEvent>(port, `/api/logs?app=${appId}`),
    end() {
      run.signal("SIGINT");
      return run.exit;
    },
  };
}

const hostOf = (url: string) => new URL(url).host;

export interface Stream<E> {
  events: E[];
  leave(): void;
  ended: Promise<void>;
}

/** Server-sent events, as a browser reads them. */
function openStream<E>(port: number, path: string): Promise<Stream<E>> {
  return new Promise((resolve, reject) => {
    const asking = request(
      { host: "127.0.0.1", port, path, agent: false },
      (answer: IncomingMessage) => {
        if (answer.statusCode !== 200)
          return reject(new Error(`HTTP ${answer.statusCode}`));
        const events: E[] = [];
        let rest = "";
        answer.on("error", () => {}); // `ended` tells it
        answer.setEncoding("utf8").on("data", (text: string) => {
          const parts = (rest + text).split("\n\n");
          rest = parts.pop()!;
          for (const part of parts)
            if (part.startsWith("data: "))
              events.push(JSON.parse(part.slice("data: ".length)) as E);
        });
        resolve({
          events,
          leave: () => void answer.destroy(),
          ended: new Promise((done) => answer.once("close", done)),
        });
      },
    );
    asking.on("error", reject);
    asking.end();
  });
}

export interface TestPage extends Stream<PageEvent> {
  /** The apps as they are now. */
  apps(): App[];
  /** Waits until the app is there, and watched. */
  watched(appId: string): Promise<App>;
  call(path: string): Promise<CallEvent>;
  delivery(from: DeliveryEvent["from"]): Promise<DeliveryEvent>;
}

function pageOf(stream: Stream<PageEvent>): TestPage {
  const apps = () =>
    stream.events.findLast((event) => event.type === "apps")?.apps ?? [];
  const passed = () =>
    stream.events.flatMap((one) => (one.type === "event" ? [one.event] : []));
  return {
    ...stream,
    apps,
    watched: (appId) =>
      waitFor(`${appId} to be watched`, () =>
        apps().find((one) => one.appId === appId && one.isWatched),
      ),
    call: (path) =>
      waitFor(`the call ${path}`, () =>
        passed().find(
          (event): event is CallEvent =>
            event.type === "call" && event.path.startsWith(path),
        ),
      ),
    delivery: (from) =>
      waitFor(`a delivery of ${from}`, () =>
        passed().find(
          (event): event is DeliveryEvent =>
            event.type === "delivery" && event.from === from,
        ),
      ),
  };
}

/** How many connections to a port of this machine are open, by the system's own list (Linux). */
export function connectionsTo(port: number): number {
  const hex = port.toString(16).toUpperCase().padStart(4, "0");
  return readFileSync("/proc/net/tcp", "utf8")
    .split("\n")
    .map((line) => line.trim().split(/\s+/))
    .filter(
      ([, , remote = "", state]) =>
        remote.endsWith(`:${hex}`) && state === "01",
    ).length;
}
