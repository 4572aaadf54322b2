/** `npm test`: installs the test tools once, then runs every check and counts the results. */
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, rmSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import {
  buildControlPlane,
  installControlPlane,
} from "./build-control-plane.ts";
import {
  clusterProblem,
  loadedFile,
  loadImages,
  prepareCluster,
} from "./cluster.ts";
import { browserProblem } from "./browser.ts";
import { dockerProblem, root } from "./docker.ts";
import { runJest } from "./jest-run.ts";
import { fail, parseOptions } from "./options.ts";
import { addJestCounts, addLastLine, type Counts } from "./test-counts.ts";
import { installOnce, isInstalled } from "./install-once.ts";
import { installSdks } from "./install-sdks.ts";
import { programProblem } from "./programs.ts";
import { pythonProblem } from "./python.ts";
import { findTestFiles, type TestFile } from "./test-files.ts";
import {
  clusterRuns,
  localRuns,
  noPorts,
  runTutorial,
  worksWithoutDocker,
  type TutorialRun,
} from "./tutorial-runs.ts";

const usage = `npm test [SUITE] [WORD…]

  SUITE   one of format, lint, proto, patterns, unit, contract, e2e, sdk, tutorial, faults, containers, kubernetes
  WORD…   only test files whose path contains one of these words

Tests that need containers are skipped where Docker does not answer, those that need a
cluster where none is given to them (DAPR_TEST_KUBECONFIG), files that start RabbitMQ, Mosquitto or a browser
where these are not installed, and say so; with CI or DAPR_TEST_REQUIRE_ALL=true in the environment that is a failure.`;

const words: string[] = parseOptions("test", usage, {}, true).positionals;
const tools = join(root, "tests", "node_modules");
const results = join(root, "tests", ".results");
const counts: Counts = { passed: 0, failed: 0, skipped: 0 };
const noDocker = dockerProblem();
const noCluster = clusterProblem();
const noBrowser = browserProblem();
const cores = availableParallelism();
/** How many files of a suite run at the same time. Each starts what it needs, on ports and in folders of its own. */
const workers: Partial<Record<TestFile["suite"], number>> = {
  unit: cores,
  contract: cores + 1,
  // These tests wait for half of their time.
  e2e: cores + 2,
  faults: cores + 1,
  containers: 2,
};
const needsContainers = ["contract", "sdk", "faults", "containers", "tutorial"];
const requireAll =
  Boolean(process.env.CI) || process.env.DAPR_TEST_REQUIRE_ALL === "true";

// Tests remove their own containers. The reaper would be one more image to pull.
process.env.TESTCONTAINERS_RYUK_DISABLED ??= "true";

/** `isShared`: other suites print at the same time. */
const suites: Record<string, (isShared: boolean) => unknown> = {
  format: () =>
    tool(
      "prettier",
      "prettier/bin/prettier.cjs",
      "--check",
      "--log-level=warn",
      ".",
    ),
  lint: async () => {
    await tool("oxlint", "oxlint/bin/oxlint", "--deny-warnings");
    await tool("tsc", "typescript/bin/tsc", "-p", ".");
    // The page of the dashboard has the browser's types.
    await tool("tsc", "typescript/bin/tsc", "-p", "runtime/cli/dashboard/page");
  },
  proto,
  patterns,
  unit: (isShared) => jest("unit", isShared),
  contract: (isShared) => jest("contract", isShared),
  e2e: (isShared) => jest("e2e", isShared),
  sdk: async (isShared) => {
    for (const { language, reason } of await installSdks())
      without(`Dapr's SDK for ${language}`, reason);
    await jest("sdk", isShared);
  },
  tutorial: (isShared) => tutorials(localRuns, isShared),
  faults: (isShared) => jest("faults", isShared),
  containers: (isShared) => jest("containers", isShared),
  kubernetes: async (isShared) => {
    if (words.length === 0) await tutorials(clusterRuns, isShared);
    await jest("kubernetes", isShared);
  },
};

/**
 * Stages run one after the other. The lists of one stage run at the same time, since they share no ports, images or
 * cluster.
 */
const stages = [
  [["format", "lint", "proto"], ["patterns"]],
  [["unit", "contract"], ["tutorial"]],
  [["e2e"]],
  [["sdk"]],
  [["faults", "containers"], ["kubernetes"]],
];

const suite = Object.hasOwn(suites, words[0] ?? "") ? words.shift() : undefined;
const testFiles = findTestFiles(root).filter(
  (file) =>
    (suite === undefined || file.suite === suite) &&
    (words.length === 0 || words.some((word) => file.path.includes(word))),
);
if (words.includes(""))
  fail(
    "npm test: an empty word is part of every path: leave it out, or write what the path contains.",
  );
for (const word of words)
  if (!testFiles.some(({ path }) => path.includes(word)))
    fail(
      `npm test: ${word}: no test file${suite ? ` of ${suite}` : ""} has this in its path. The suites are ${Object.keys(suites).join(", ")}.`,
    );
const chosen = suite
  ? [suite]
  : Object.keys(suites).filter(
      (name) =>
        words.length === 0 || testFiles.some((file) => file.suite === name),
    );
announce();
const startedMs = performance.now();
await Promise.all([
  installOnce(join(root, "tests"), "the test tools, 190 MB"),
  installControlPlane(),
]);
// The image contains it, and building it takes a while.
if (!noDocker && chosen.includes("containers")) await buildControlPlane();
mkdirSync(results, { recursive: true });
process.env[loadedFile] = join(results, "cluster-images");
rmSync(process.env[loadedFile], { force: true });
// The program rebuilds a bundle that is missing or older than its sources.
const { status: built } = spawnSync(
  process.execPath,
  ["runtime/bin/daprd.js", "--version"],
  { cwd: root, stdio: ["ignore", "ignore", "inherit"] },
);
if (built !== 0) counts.failed++;
for (const stage of stages) {
  const named = stage.flat().filter((name) => chosen.includes(name));
  // Before the other lists of the stage begin, since it rebuilds the bundle that they use.
  const isReady =
    !named.includes("kubernetes") ||
    noCluster !== undefined ||
    (await guarded("kubernetes", prepareCluster));
  const lists = stage
    .map((list) => list.filter((name) => named.includes(name)))
    .filter(([name]) => name && (isReady || name !== "kubernetes"));
  await Promise.all(lists.map((list) => runList(list, lists.length > 1)));
}
console.log(
  `\nAll of it took ${timeSince(startedMs)}.\n${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped`,
);
process.exitCode = counts.failed > 0 ? 1 : 0;

async function runList(names: string[], isShared: boolean): Promise<void> {
  for (const name of names) {
    console.log(
      `\n== ${chosen.indexOf(name) + 1} of ${chosen.length}: ${name} ==`,
    );
    const suiteMs = performance.now();
    await guarded(name, () => suites[name]?.(isShared));
    console.log(`== ${name} took ${timeSince(suiteMs)} ==`);
  }
}

/** An exception, say because the cluster went away, fails one suite. The others still run. */
async function guarded(name: string, run: () => unknown): Promise<boolean> {
  try {
    await run();
    return true;
  } catch (error) {
    counts.failed++;
    console.error(`${name}: ${(error as Error).message}`);
    return false;
  }
}

/** Says what will be installed, fetched and run. */
function announce(): void {
  if (
    !["tests", "runtime/kubernetes"].every((one) =>
      isInstalled(join(root, one)),
    )
  )
    console.log(
      "By npm come, once, up to 280 MB: the test tools and the control plane's libraries.",
    );
  if (chosen.includes("sdk") && !isInstalled(join(root, "tests", "sdk", "js")))
    console.log(
      "Once come the official SDKs, 180 MB, by npm, pip and Go where they are installed.",
    );
  if (!noDocker && chosen.some((name) => needsContainers.includes(name)))
    console.log(
      "Docker fetches what it lacks: apache/kafka:4.1.1, redis:7, postgres:15, node:24-slim.",
    );
  console.log(`Suites: ${chosen.join(", ")}.`);
  if (suite || words.length > 0) return;
  console.log(
    `Two cores take some ${noDocker ? 6 : noCluster ? 15 : 25} minutes. One suite alone: npm test unit`,
  );
}

/** The time since then, in minutes and seconds. */
function timeSince(ms: number): string {
  const seconds = Math.round((performance.now() - ms) / 1000);
  const minutes = Math.floor(seconds / 60);
  return minutes > 0 ? `${minutes} min ${seconds % 60} s` : `${seconds} s`;
}

async function tool(name: string, file: string, ...args: string[]) {
  const ok = (await node(join(tools, file), ...args)) === 0;
  counts[ok ? "passed" : "failed"]++;
  console.log(ok ? `${name}: clean` : `${name}: failed`);
}

/** The generator is large and its result seldom changes, so this suite runs only when it is named, and in CI. */
async function proto(): Promise<void> {
  if (!requireAll && suite !== "proto")
    return without("proto", "npm test proto installs the generator");
  const ok = (await node("scripts/proto.ts", "--check")) === 0;
  counts[ok ? "passed" : "failed"]++;
  console.log(ok ? "proto: current" : "proto: failed");
}

/** This takes half a minute and concerns only new regular expressions, so it runs only when it is named, and in CI. */
async function patterns(isShared: boolean): Promise<void> {
  if (!requireAll && !suite && words.length === 0)
    return without("patterns", "npm test patterns looks at them");
  await jest("patterns", isShared);
}

async function jest(name: TestFile["suite"], isShared: boolean): Promise<void> {
  const files = testFiles.filter((file) => file.suite === name);
  const lacks = (file: TestFile) =>
    (file.needsDocker && noDocker) ||
    (file.needsCluster && noCluster) ||
    (file.needsBrowser && noBrowser) ||
    programProblem(file.needsPrograms);
  const runnable = files.filter((file) => !lacks(file));
  for (const file of files) {
    const reason = lacks(file);
    if (reason) without(file.path, reason);
  }
  if (runnable.length === 0) return;
  const output = join(results, `${name}.json`);
  const hung = await runJest({
    files: runnable.map(({ path }) => path),
    workers: workers[name] ?? 1,
    output,
    prefix: isShared ? `${name}: ` : "",
  });
  addJestCounts(counts, name, output);
  if (hung) {
    counts.failed++;
    console.log(`FAILED: ${name}: ${hung}`);
  }
}

async function tutorials(runs: TutorialRun[], isShared: boolean) {
  for (const run of runs) {
    const title = `tutorial ${run.name} (${run.lang}), stage ${run.stage}`;
    const needsCluster = clusterRuns.includes(run);
    const lack =
      (!worksWithoutDocker(run) && noDocker) ||
      (needsCluster && noCluster) ||
      (run.stage === "python" && pythonProblem());
    if (lack) {
      without(title, lack);
      continue;
    }
    if (needsCluster) loadImages("apache/kafka:4.1.1", "redis:7");
    console.log(`\n-- ${title} --`);
    const prefix = isShared ? "tutorial: " : "";
    const { output, code } = await runTutorial(run, prefix);
    addLastLine(counts, title, output);
    if (code === noPorts) {
      console.log(
        "The tutorials that follow use the same ports and are not run.",
      );
      return;
    }
  }
}

function without(what: string, reason: string): void {
  console.log(`${requireAll ? "FAILED" : "skipped"}: ${what}: ${reason}`);
  counts[requireAll ? "failed" : "skipped"]++;
}

async function node(...args: string[]): Promise<number | null> {
  const child = spawn(process.execPath, args, { cwd: root, stdio: "inherit" });
  const [code] = (await once(child, "exit")) as [number | null];
  return code;
}
