/** `npm run demo:local` as its user sees it: what it prints, how it ends, what it leaves behind. */
import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import { existsSync, readdirSync } from "node:fs";
import { createServer, type Server } from "node:net";
import { join } from "node:path";
import { waitFor } from "../wait-for.ts";

const root = join(__dirname, "../..");

class Demo {
  readonly process: ChildProcess;
  output = "";
  readonly ended: Promise<number | null>;

  constructor(args: string[] = [], env: NodeJS.ProcessEnv = {}) {
    this.process = spawn(process.execPath, ["scripts/demo.ts", ...args], {
      cwd: root,
      env: { ...process.env, ...env },
      stdio: ["ignore", "pipe", "pipe"],
    });
    const collect = (chunk: Buffer) => (this.output += chunk.toString());
    this.process.stdout?.on("data", collect);
    this.process.stderr?.on("data", collect);
    this.ended = new Promise((resolve) => this.process.once("close", resolve));
    running.push(this);
  }

  prints(text: string): Promise<boolean> {
    return waitFor(`"${text}" in:\n${this.output}`, () =>
      this.output.includes(text),
    );
  }

  /** The lines of one app, in order. Lines of the other app may stand anywhere between them. */
  linesOf(app: string): string {
    return this.output
      .split("\n")
      .filter((line) => line.startsWith(`== APP - ${app} ==`))
      .map((line) => `${line}\n`)
      .join("");
  }

  /** What `dapr list` shows of this run. */
  instances(): Instance[] {
    const { stdout } = dapr("list", "-o", "json");
    return (JSON.parse(stdout || "[]") as Instance[]).filter(
      ({ runTemplatePath }) => runTemplatePath?.includes(`/${this.folder}/`),
    );
  }

  get folder(): string {
    return `demo-${this.process.pid}`;
  }
}

interface Instance {
  appId: string;
  httpPort: number;
  appPid: number;
  daprdPid: number;
  cliPid: number;
  runTemplatePath?: string;
}

const running: Demo[] = [];

afterEach(async () => {
  for (const demo of running.splice(0)) {
    demo.process.kill("SIGTERM");
    await demo.ended;
  }
});

function dapr(...args: string[]) {
  return spawnSync(
    process.execPath,
    [join(root, "runtime/bin/dapr.js"), ...args],
    { encoding: "utf8" },
  );
}

const isAlive = (pid: number) => {
  try {
    return process.kill(pid, 0);
  } catch {
    return false; // ESRCH: there is no such process
  }
};

/** Starts a demo and waits until orders flow. Returns it with its processes, to check afterwards that they have ended. */
async function flowing() {
  const demo = new Demo();
  await demo.prints("== APP - nodeapp == { orderId: 2 }");
  // Its queue is its own, and goes with its folder.
  expect(readdirSync(join(root, ".dapr", demo.folder, ".dapr"))).toContain(
    "embedded.db",
  );
  // A sidecar that is too busy to answer is listed with blanks.
  const instances = await waitFor("both to be listed as of this run", () => {
    const listed = demo.instances();
    return listed.length === 2 ? listed : undefined;
  });
  expect(instances.map(({ appId }) => appId).sort()).toEqual([
    "nodeapp",
    "producerapp",
  ]);
  return { demo, instances };
}

function expectNothingLeft(demo: Demo, instances: Instance[]): void {
  const pids = instances.flatMap((one) => [
    one.appPid,
    one.daprdPid,
    one.cliPid,
  ]);
  expect(pids.filter(isAlive)).toEqual([]);
  const state = join(root, ".dapr");
  expect(existsSync(state) ? readdirSync(state) : []).not.toContain(
    demo.folder,
  );
}

test("it shows a banner, then the orders, and with --count it ends by itself", async () => {
  const demo = new Demo(["--count", "3"]);
  expect(await demo.ended).toBe(0);
  expect(demo.output).toMatch(
    /producerapp → sidecar → sample-topic → sidecar → nodeapp\n {2}nodeapp +app on port \d+ +sidecar on port \d+\n {2}producerapp +app without a port +sidecar on port \d+\n {2}broker +embedded.*\n {2}logs .*\n {2}to stop .*\n\n/,
  );
  for (const order of [1, 2, 3]) {
    expect(demo.output).toContain(
      `== APP - producerapp == { data: { orderId: ${order} }, operation: 'create' }\n`,
    );
    expect(demo.linesOf("nodeapp")).toContain(
      `== APP - nodeapp == Hello from Kafka!\n== APP - nodeapp == { orderId: ${order} }\n`,
    );
  }
  expect(demo.output).toContain(
    "== APP - producerapp == Response for order 1: 204\n",
  );
  expect(demo.output).toContain(
    "Demo ended: 3 of 3 orders came through. Nothing is left running.\n",
  );
});

test.each([
  ["SIGINT", "Ctrl+C"],
  ["SIGTERM", "SIGTERM"],
  ["SIGHUP", "the terminal was closed"],
] as const)("%s ends everything cleanly", async (signal, why) => {
  const { demo, instances } = await flowing();
  demo.process.kill(signal);
  expect(await demo.ended).toBe(0);
  expect(demo.output).toContain(`Stopping (${why}) …`);
  expect(demo.output).toContain(`Demo ended: ${why}. Nothing is left running.`);
  expectNothingLeft(demo, instances);
});

test.each(["nodeapp", "producerapp"])(
  "a crash of %s ends the demo, which says who crashed and why",
  async (appId) => {
    const { demo, instances } = await flowing();
    const app = instances.find((one) => one.appId === appId);
    process.kill(app?.appPid as number, "SIGKILL");
    expect(await demo.ended).toBe(1);
    expect(demo.output).toContain(
      `Demo failed: ${appId}: The App process was terminated by signal: killed`,
    );
    expectNothingLeft(demo, instances);
  },
);

test("a crash of a sidecar ends the demo, which names its log", async () => {
  const { demo, instances } = await flowing();
  process.kill(instances[0]?.daprdPid as number, "SIGKILL");
  expect(await demo.ended).toBe(1);
  expect(demo.output).toMatch(
    /Demo failed: [Tt]he daprd process of app "\w+" exited: signal: killed\. Its log.*: \S+\.log/,
  );
  expectNothingLeft(demo, instances);
});

test("when `dapr run` refuses, the demo gives its reason", async () => {
  // This file is no program, so the sidecar cannot be started.
  const demo = new Demo([], { DAPR_DAPRD_PATH: join(root, "package.json") });
  expect(await demo.ended).toBe(1);
  expect(demo.output).toMatch(
    /\nDemo failed: Error starting Dapr and app \("nodeapp"\): spawn .*package\.json EACCES\. /,
  );
});

test("a killed `dapr run` is a failure", async () => {
  const { demo, instances } = await flowing();
  process.kill(instances[0]?.cliPid as number, "SIGKILL");
  expect(await demo.ended).toBe(1);
  expect(demo.output).toContain("Demo failed: `dapr run` ended by itself");
  await waitFor("sidecars and apps to notice", () =>
    instances.every((one) => !isAlive(one.appPid) && !isAlive(one.daprdPid)),
  );
});

test("the silent end of npm's shell ends the demo", async () => {
  const shell = spawn(
    "sh",
    ["-c", `"${process.execPath}" scripts/demo.ts; true`],
    {
      cwd: root,
      env: { ...process.env, npm_lifecycle_event: "demo:local" },
      stdio: ["ignore", "pipe", "pipe"],
    },
  );
  let output = "";
  shell.stdout.on("data", (chunk) => (output += chunk));
  const closed = new Promise((resolve) => shell.once("close", resolve));
  await waitFor("orders", () => output.includes("== APP - nodeapp == { or"));
  shell.kill("SIGKILL");
  await closed; // the pipe stays open until its last writer has ended
  expect(output).toContain("Demo ended: npm ended. Nothing is left running.");
});

test("the demo starts even if its usual ports are taken", async () => {
  const servers = await Promise.all([3000, 3500].map(occupy));
  try {
    const demo = new Demo(["--count", "1"]);
    expect(await demo.ended).toBe(0);
    expect(demo.output).not.toMatch(/ port (3000|3500)\b/);
  } finally {
    for (const server of servers) server?.close();
  }
});

/** Listens on the port, unless somebody else does already. */
function occupy(port: number): Promise<Server | undefined> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(undefined));
    server.listen(port, () => resolve(server));
  });
}

test("--tutorial hello-kubernetes invokes the app with each order, and the last one is kept", async () => {
  const demo = new Demo(["--tutorial", "hello-kubernetes", "--count", "2"]);
  expect(await demo.ended).toBe(0);
  expect(demo.output).toMatch(
    /producerapp → sidecar → sidecar → nodeapp → sidecar → statestore\n {2}nodeapp .*\n {2}producerapp .*\n {2}store +embedded: .*nodeapp\/\.dapr\/state\.db \(kept\)\n/,
  );
  for (const order of [1, 2]) {
    expect(demo.output).toContain(
      `== APP - producerapp == { data: { orderId: ${order} } }\n`,
    );
    expect(demo.linesOf("nodeapp")).toContain(
      `== APP - nodeapp == Got a new order! Order ID: ${order}\n== APP - nodeapp == Successfully persisted state.\n`,
    );
  }
  expect(demo.output).toContain(
    "== APP - producerapp == Response for order 1: 200\n",
  );
  expect(demo.output).toContain(
    "Demo ended: 2 of 2 orders came through. Nothing is left running.\n",
  );
  expect(existsSync(join(root, "nodeapp/.dapr/state.db"))).toBe(true);
});

test("--tutorial pub-sub shows its page, and each message goes to the subscribers of its topic", async () => {
  const demo = new Demo(["--tutorial", "pub-sub", "--count", "3"]);
  expect(await demo.ended).toBe(0);
  expect(demo.output).toMatch(
    /\n {2}node-subscriber {3}app on port \d+ +sidecar on port \d+\n {2}second-subscriber app on port .*\n {2}publisher .*\n {2}page {14}http:\/\/localhost:\d+\/\n {2}broker {12}embedded.*\n {2}logs {14}tutorials\/pub-sub\/apps\/\.dapr\/logs \(/,
  );
  // Topics have no order between them, and a fourth message may have come.
  const printed = (app: string) =>
    [...demo.linesOf(app).matchAll(/== ([ABC]: {2}Message [123])$/gm)]
      .map(([, line]) => line)
      .sort();
  expect(printed("node-subscriber")).toEqual([
    "A:  Message 1",
    "B:  Message 2",
  ]);
  expect(printed("second-subscriber")).toEqual([
    "A:  Message 1",
    "C:  Message 3",
  ]);
  expect(demo.output).toContain(
    "Demo ended: 3 of 3 messages came through. Nothing is left running.\n",
  );
  expect(readdirSync(join(root, ".dapr"))).not.toContain(demo.folder);
});

test.each([
  [["--nonsense"], "Unknown option '--nonsense'"],
  [["--count", "0"], "--count 0: must be a whole number"],
  [["--broker", "rabbit"], "--broker rabbit: must be embedded or kafka."],
  [["--tutorial", "x"], "--tutorial x: must be one of bindings, pub-sub,"],
  [
    ["--tutorial", "pub-sub", "--broker", "x"],
    "--broker x: must be embedded or kafka or redis.",
  ],
  [["--store", "redis"], "--store is not for the tutorial bindings, which"],
  [
    ["--tutorial", "hello-world", "--store", "x"],
    "--store x: must be embedded or redis.",
  ],
  [
    ["--tutorial", "hello-world", "--broker", "kafka"],
    "--broker is not for the tutorial hello-world, which takes --store;",
  ],
])("%j is an error that says what to use", async (args, message) => {
  const demo = new Demo(args);
  expect(await demo.ended).toBe(1);
  expect(demo.output.trim().split("\n")).toHaveLength(1);
  expect(demo.output).toContain(message);
});

test("--help lists the options", async () => {
  const demo = new Demo(["--help"]);
  expect(await demo.ended).toBe(0);
  expect(demo.output).toContain("--broker embedded|kafka");
});

test.each([
  ["Kafka", 9092, ["--broker", "kafka"], ""],
  [
    "Redis",
    6379,
    ["--tutorial", "hello-kubernetes", "--store", "redis"],
    " -- --tutorial hello-kubernetes",
  ],
  [
    "Redis",
    6379,
    ["--tutorial", "pub-sub", "--broker", "redis"],
    " -- --tutorial pub-sub",
  ],
])(
  "without Docker, a %s that runs on port %d is used, or the error is one sentence",
  async (name, port, args, options) => {
    const demo = new Demo([...args, "--count", "1"], { PATH: "/nonexistent" });
    const code = await demo.ended;
    if (demo.output.includes(`that already answers on localhost:${port}`))
      return expect(code).toBe(0);
    expect(code).toBe(1);
    expect(demo.output).toBe(
      `Demo failed: The ${name} demo needs Docker to start ${name}, but Docker is not installed. Without it: npm run demo:local${options}.\n`,
    );
  },
);
