// Runs the bundle of an entry: builds it when it is missing or older than the
// sources, and on an older Node hands over to the kit's own Node 24. Plain
// JavaScript that Node 16 can read.
import { spawn, spawnSync } from "node:child_process";
import { existsSync, readdirSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import installed from "./installed.cjs";

const { findNode, whatIsMissing } = installed;

/** A sidecar's memory limits: node-limits.ts tells why, and a test that these are the same. */
const sidecarLimits = {
  flags: ["--max-semi-space-size=4"],
  env: { MALLOC_ARENA_MAX: "1", MALLOC_TRIM_THRESHOLD_: "131072" },
};

const root = join(dirname(fileURLToPath(import.meta.url)), "..", "..");

export async function launch(name) {
  const bundle = join(root, "dist", `${name}.js`);
  const stale = isStale(bundle);
  const node = findNode(root);
  if (stale || !node) {
    const missing = whatIsMissing(root);
    if (missing) fail(missing);
  }
  if (stale) rebuild(node);
  if (node === process.execPath) {
    process.argv[1] = bundle; // where the sidecar's entry may start anew
    return import(pathToFileURL(bundle).href);
  }
  const { flags, env } =
    name === "daprd" ? sidecarLimits : { flags: [], env: {} };
  const args = [...flags, bundle, ...process.argv.slice(2)];
  const given = { ...process.env, ...env };
  // Takes this process's place: signals, exit code and pid stay one.
  if (process.execve && process.platform !== "win32")
    return process.execve(node, [node, ...args], given);
  handOver(node, args, given);
}

/** Runs it as a child that ends with this process, however this one ends. */
function handOver(node, args, env) {
  const lifeline = env.DAPR_LIFELINE_FD;
  let child;
  // First: as process 1 it would not see what comes while the child starts.
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"])
    process.on(signal, () => {
      // A Ctrl+C in the terminal has reached the child already.
      if (signal !== "SIGINT" || !process.stdin.isTTY) child.kill(signal);
    });
  child = spawn(node, args, {
    stdio: ["inherit", "inherit", "inherit", lifeline ? "inherit" : "pipe"],
    env: { ...env, DAPR_LIFELINE_FD: lifeline ?? "3" },
  });
  child.stdio[3]?.on("error", () => {}); // the child's exit tells more
  child.on("exit", (code, signal) => {
    if (!signal) process.exit(code ?? 1);
    process.exitCode = 1; // where it is process 1 it can't end by a signal
    process.removeAllListeners(signal);
    process.kill(process.pid, signal);
  });
}

function fail(message) {
  console.error(message);
  process.exit(1);
}

function isStale(bundle) {
  if (!existsSync(join(root, "scripts", "build.ts"))) return false; // an image ships only the bundle
  if (!existsSync(bundle)) return true;
  return holdsNewer(join(root, "runtime"), statSync(bundle).mtimeMs);
}

/** Installed packages are no sources, and thousands of files. */
function holdsNewer(folder, builtMs) {
  return readdirSync(folder, { withFileTypes: true }).some((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory())
      return entry.name !== "node_modules" && holdsNewer(path, builtMs);
    return (
      /(?<!\.test)\.(?:ts|css|html)$/.test(entry.name) &&
      statSync(path).mtimeMs > builtMs
    );
  });
}

function rebuild(node) {
  const { status } = spawnSync(node, [join(root, "scripts", "build.ts")], {
    stdio: ["ignore", 2, 2],
  });
  if (status !== 0)
    fail("The bundle could not be built: run `npm install` and try again.");
}
