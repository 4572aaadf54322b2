/** The official SDKs that suite `sdk` runs: each comes once, by its own language's tool, in the versions of its lock file. */
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { copyFileSync, existsSync, mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { root } from "./docker.ts";
import { installOnce } from "./install-once.ts";
import { programIn, pythonCommand, pythonProblem } from "./python.ts";

const folder = join(root, "tests", "sdk");
const cache = join(folder, ".cache");

/** Resolves with the languages that are missing on this machine, each with the reason. */
export async function installSdks(): Promise<
  { language: string; reason: string }[]
> {
  await installOnce(join(folder, "js"), "Dapr's SDK for JavaScript");
  const missing: { language: string; reason: string }[] = [];
  for (const [language, problem, install] of [
    ["Python", pythonProblem, installPython],
    ["Go", goProblem, buildGo],
  ] as const) {
    const reason = problem();
    if (reason) missing.push({ language, reason });
    else await install();
  }
  return missing;
}

const goProblem = () =>
  answers("go", "version") ? undefined : "Go is not installed";

const answers = (command: string, ...args: string[]) =>
  spawnSync(command, args, { stdio: "ignore" }).status === 0;

async function installPython(): Promise<void> {
  const wanted = join(folder, "python", "requirements.txt");
  const venv = join(cache, "python");
  const installed = join(venv, "requirements.txt");
  const read = (file: string) => readFileSync(file, "utf8");
  if (existsSync(installed) && read(installed) === read(wanted)) return;
  console.error("Installing Dapr's SDK for Python (once) …");
  await run(pythonCommand(), "-m", "venv", "--clear", venv);
  const pip = [programIn(venv, "pip"), "--disable-pip-version-check"];
  await run(...pip, "install", "--quiet", "--no-deps", "-r", wanted);
  copyFileSync(wanted, installed);
}

/** Go keeps what it fetched and built, and does it again only if something changed. */
async function buildGo(): Promise<void> {
  const target = join(cache, "go");
  if (!existsSync(target))
    console.error("Building with Dapr's SDK for Go (once) …");
  mkdirSync(target, { recursive: true });
  await run("go", "-C", join(folder, "go"), "build", "-o", `${target}/`, ".");
  await run(
    "go",
    "-C",
    join(folder, "go"),
    "build",
    "-o",
    `${target}/`,
    grpcurl,
  );
}

const grpcurl = "github.com/fullstorydev/grpcurl/cmd/grpcurl";

async function run(...[command = "", ...args]: string[]): Promise<void> {
  const child = spawn(command, args, {
    stdio: ["ignore", "ignore", "inherit"],
  });
  const [code] = (await once(child, "close")) as [number | null];
  if (code !== 0)
    throw new Error(`${[command, ...args].join(" ")} ended with ${code}`);
}
