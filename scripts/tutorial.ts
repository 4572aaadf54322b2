/** `npm run tutorial -- NAME`: runs a tutorial's commands, and checks that they print what it says. */
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { clusterProblem, forGivenCluster } from "./cluster.ts";
import { root } from "./docker.ts";
import { fail, parseOptions } from "./options.ts";
import { readSteps, type Step } from "./tutorial-markdown.ts";
import { difference, missingLines } from "./tutorial-match.ts";
import { Terminal } from "./tutorial-terminal.ts";
import { takeTurn } from "./tutorial-turn.ts";

const usage = `npm run tutorial -- NAME [OPTIONS]

  NAME           a folder of tutorials/, for example bindings
  --lang en|zh   which text to follow (default en)
  --stage NAME   only one stage of it, for example embedded

The stage kubernetes changes the cluster of DAPR_TEST_KUBECONFIG, never the one that kubectl points at.`;

const { values, positionals } = parseOptions(
  "tutorial",
  usage,
  {
    lang: { type: "string", default: "en" },
    stage: { type: "string" },
  },
  true,
);
const [name] = positionals;
if (!name || positionals.length > 1) fail(usage);
if (values.lang !== "en" && values.lang !== "zh")
  fail(`--lang ${values.lang}: must be en or zh.`);
const file = `tutorials/${name}/README${values.lang === "zh" ? ".zh-CN" : ""}.md`;
if (!existsSync(join(root, file)))
  fail(`There is no ${file}; see the folders of tutorials/.`);
const all = readSteps(readFileSync(join(root, file), "utf8"), file);
const steps = all.filter(
  ({ stage }) => !values.stage || stage === values.stage,
);
if (steps.length === 0)
  fail(
    `${file} has no stage "${values.stage}"; it has ${[...new Set(all.map(({ stage }) => stage))].join(", ")}.`,
  );

const clusterStage = "kubernetes";
/** The limit for one step: far more than any needs. It only ends a step that hangs. */
const limitSeconds = 600;
const noCluster = steps.some(({ stage }) => stage === clusterStage)
  ? clusterProblem()
  : undefined;
if (noCluster && values.stage) fail(`Stage ${clusterStage}: ${noCluster}.`);
process.env.KUBECONFIG = process.env.DAPR_TEST_KUBECONFIG ?? "";
// A registry of its own, so that no call reaches an app with the same ID that somebody else runs on this machine.
const registry = mkdtempSync(join(tmpdir(), "dapr-tutorial-"));
process.env.DAPR_REGISTRY_PATH = registry;
process.on("exit", () => rmSync(registry, { recursive: true, force: true }));

const terminals = new Map<string, Terminal>();
const opened: Terminal[] = [];
let interrupted = false;
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const)
  process.on(signal, () => {
    interrupted = true;
    for (const terminal of opened) terminal.interrupt();
  });

const endTurn = steps.some(({ stage }) => stage !== clusterStage)
  ? await takeTurn().catch((error: Error) => {
      console.error(error.message);
      process.exit(2);
    })
  : () => {};
let passed = 0;
let failed = 0;
let skipped = 0;
const broken = new Set<string>();
for (const [index, step] of steps.entries()) {
  const title = `[${index + 1}/${steps.length}] ${step.stage}: ${step.name}`;
  if (step.stage === clusterStage && noCluster) {
    console.log(`${title}: skipped: ${noCluster}`);
    skipped++;
    continue;
  }
  if ((broken.has(step.stage) || interrupted) && !step.cleanup) {
    console.log(`${title}: skipped`);
    skipped++;
    continue;
  }
  console.log(title);
  const started = Date.now();
  const problem = await perform(step);
  const seconds = ((Date.now() - started) / 1000).toFixed(1);
  if (problem === undefined) {
    passed++;
    console.log(`  passed in ${seconds} s\n`);
  } else {
    failed++;
    broken.add(step.stage);
    console.log(
      `  FAILED after ${seconds} s (${file}:${step.line})\n${problem}\n`,
    );
  }
}
for (const terminal of opened.reverse()) await terminal.end();
endTurn();
console.log(`${passed} passed, ${failed} failed, ${skipped} skipped`);
process.exitCode = failed > 0 || interrupted ? 1 : 0;

/** Runs a step. Resolves with what went wrong, or `undefined`. */
async function perform(step: Step): Promise<string | undefined> {
  if (step.watch) return watch(step, step.watch);
  if (typeof step.interrupt === "string")
    return interrupt(terminalOf(step.interrupt), step.expect);
  if (step.stage === clusterStage)
    step.commands = forGivenCluster(step.commands);
  for (const line of step.commands.split("\n")) console.log(`  $ ${line}`);
  const deadline = Date.now() + limitSeconds * 1000;
  for (;;) {
    const problem = await runOnce(step);
    if (problem === undefined || !step.repeat || Date.now() > deadline)
      return problem;
    await sleep(500); // before the next try
  }
}

async function runOnce(step: Step): Promise<string | undefined> {
  const key = step.terminal ?? "";
  const terminal = new Terminal(step.commands, (line) =>
    console.log(`  ${key ? `${key} ` : ""}| ${line}`),
  );
  terminals.set(key, terminal);
  opened.push(terminal);
  const staysOpen = key !== "" || step.interrupt === true;
  const { expect, unordered } = step;
  const { printed } = terminal;
  const found = () => missingLines(expect, printed, unordered).length === 0;
  await terminal.until(() => staysOpen && found(), limitSeconds);
  if (!found()) return difference(expect, printed, unordered);
  if (step.interrupt === true) return interrupt(terminal, step.after);
  if (staysOpen) return undefined;
  return ended(terminal);
}

async function watch(
  { expect, unordered }: Step,
  key: string,
): Promise<string | undefined> {
  const { printed } = terminalOf(key);
  const found = await terminalOf(key).until(
    () => missingLines(expect, printed, unordered).length === 0,
    limitSeconds,
  );
  return found ? undefined : difference(expect, printed, unordered);
}

async function interrupt(
  terminal: Terminal,
  expected: string[],
): Promise<string | undefined> {
  const from = terminal.printed.length;
  terminal.interrupt();
  // npm exits with 130 after Ctrl+C, even if its script ended well.
  const problem = await ended(terminal, [0, 130]);
  const printed = terminal.printed.slice(from);
  if (missingLines(expected, printed).length > 0)
    return difference(expected, printed);
  return problem;
}

async function ended(
  terminal: Terminal,
  good = [0],
): Promise<string | undefined> {
  await terminal.until(() => false, limitSeconds);
  if (good.includes(terminal.exitCode ?? -1)) return undefined;
  return terminal.exitCode === undefined
    ? `  still running after ${limitSeconds} s`
    : `  exit code ${terminal.exitCode}, expected 0`;
}

function terminalOf(key: string): Terminal {
  const terminal = terminals.get(key);
  if (!terminal) throw new Error(`${file}: no step opened a terminal "${key}"`);
  return terminal;
}
