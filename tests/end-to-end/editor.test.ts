/** What .vscode/ and .devcontainer/ name exists, and each launch configuration starts as VS Code would start it: its task first, then its program. Only ports and app IDs differ, since other tests run at the same time. */
import { spawn, type ChildProcess } from "node:child_process";
import { cpSync, existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { freePorts } from "../support/ports.ts";
import { tempFolder } from "../support/temp-folder.ts";
import { waitFor } from "../wait-for.ts";

interface Launch {
  name: string;
  program: string;
  cwd?: string;
  runtimeExecutable: string;
  args?: string[];
  env?: Record<string, string>;
  preLaunchTask?: string;
  postDebugTask?: string;
}

interface Task {
  label: string;
  type: "shell" | "npm";
  command?: string;
  script?: string;
  options?: { cwd: string };
  problemMatcher?: { background?: { endsPattern: string } };
}

const root = join(__dirname, "..", "..");
const read = (path: string) =>
  JSON.parse(readFileSync(join(root, path), "utf8"));
const { configurations, compounds } = read(".vscode/launch.json") as {
  configurations: Launch[];
  compounds: { name: string; configurations: string[] }[];
};
const { tasks } = read(".vscode/tasks.json") as { tasks: Task[] };
const container = read(".devcontainer/devcontainer.json");
const taskOf = (label: string) => tasks.find((task) => task.label === label)!;

/** As the editor replaces its variables; the open file is a short test. */
const resolved = (text: string) =>
  text
    .replaceAll("${workspaceFolder}", root)
    .replaceAll("${relativeFile}", "tests/version.test.ts");

const ports = new Map<string, string>();
const suffix = `-${process.pid}`;
const folder = tempFolder("editor");
const env: NodeJS.ProcessEnv = {
  ...process.env,
  DAPR_REGISTRY_PATH: join(folder, "sidecars"),
};

beforeAll(async () => {
  // The queue's file is beside the components.
  cpSync(join(root, "components"), join(folder, "components"), {
    recursive: true,
  });
  const written = ["3000", "3500", "3501", "50001", "50002", "9090", "9091"];
  const free = await freePorts(written.length);
  written.forEach((port, at) => ports.set(port, `${free[at]}`));
});

const running: ChildProcess[] = [];
afterEach(async () => {
  for (const child of running) {
    if (child.exitCode !== null || child.signalCode !== null) continue;
    const closed = new Promise((resolve) => child.once("close", resolve));
    process.kill(-child.pid!, "SIGTERM");
    await closed;
  }
  running.length = 0;
});

/** With other ports, and app IDs that no other program of this machine has. */
const own = (text: string) =>
  resolved(text)
    .replace(/\b(3000|3500|3501|50001|50002|9090|9091)\b/g, (port) =>
      ports.get(port)!,
    )
    .replaceAll("../components/", `${folder}/components/`)
    .replace(/(--app-id )(\w+)/g, `$1$2${suffix}`);

/** A program in a group of its own, with what it printed. */
function start(file: string, args: string[], cwd: string, more = {}) {
  const child = spawn(file, args, {
    cwd,
    env: { ...env, ...more },
    stdio: ["ignore", "pipe", "pipe"],
    detached: true,
  });
  running.push(child);
  let text = "";
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding("utf8").on("data", (part: string) => (text += part));
  const exit = new Promise<number | null>((resolve) =>
    child.once("close", resolve),
  );
  return {
    exit,
    prints: (pattern: RegExp) =>
      waitFor(`${[file, ...args].join(" ")} to print ${pattern}`, () => {
        if (pattern.test(text)) return true;
        if (child.exitCode !== null || child.signalCode !== null)
          throw new Error(`it ended with ${child.exitCode}:\n${text}`);
        return false;
      }),
  };
}

const startTask = ({ command, options }: Task) =>
  start("sh", ["-c", own(command!)], resolved(options!.cwd));

const startLaunch = ({
  runtimeExecutable,
  program,
  args = [],
  cwd,
  env: given = {},
}: Launch) =>
  start(
    resolved(runtimeExecutable),
    [resolved(program), ...args.map(own)].map((word, at, words) =>
      words[at - 1] === "--app-id" ? word + suffix : word,
    ),
    cwd ? resolved(cwd) : root,
    Object.fromEntries(
      Object.entries(given).map(([key, value]) => [key, own(value)]),
    ),
  );

test.each(configurations)("$name: what it names exists", (launch) => {
  for (const path of [launch.program, launch.cwd, launch.runtimeExecutable])
    expect(existsSync(path ? resolved(path) : root)).toBe(true);
  for (const label of [launch.preLaunchTask, launch.postDebugTask])
    if (label) expect(tasks.map((task) => task.label)).toContain(label);
});

test("a compound's configurations and a task's npm script exist", () => {
  const names = configurations.map(({ name }) => name);
  for (const compound of compounds)
    expect(names).toEqual(expect.arrayContaining(compound.configurations));
  const { scripts } = read("package.json");
  for (const { script } of tasks)
    if (script) expect(Object.keys(scripts)).toContain(script);
});

const says: Record<string, RegExp> = {
  nodeapp: /Node App listening on port/,
  "nodeapp (its sidecar runs already)": /Node App listening on port/,
  producerapp: /Response for order 1: 204/,
  "sidecar (sources, for an app on port 3000)": /waiting on port/,
  "this test file": /Tests: +1 passed/,
};

test.each(configurations)("$name: starts, and ends", async (launch) => {
  let sidecar: ReturnType<typeof start> | undefined;
  if (launch.preLaunchTask) {
    const task = taskOf(launch.preLaunchTask);
    sidecar = startTask(task);
    await sidecar.prints(
      new RegExp(task.problemMatcher!.background!.endsPattern),
    );
  }
  await startLaunch(launch).prints(says[launch.name]!);
  if (!launch.postDebugTask) return;
  const stop = startTask(taskOf(launch.postDebugTask));
  await stop.prints(/app stopped successfully/);
  expect(await stop.exit).toBe(0);
  expect(await sidecar!.exit).toBe(0);
});

test("a dev container has a Node that is new enough, the extensions of .vscode, and the tutorials' ports", () => {
  const [, major] = /^node:(\d+)$/.exec(container.image) ?? [];
  expect(Number(major)).toBeGreaterThanOrEqual(24);
  expect(container.postCreateCommand).toBe("npm install");
  expect(container.customizations.vscode.extensions).toEqual(
    read(".vscode/extensions.json").recommendations,
  );
  expect(Object.keys(container.portsAttributes)).toEqual(
    container.forwardPorts.map(String),
  );
});
