/** The package as its users have it: packed from this kit, and installed into an empty project without a network. */
import { spawn } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { npm } from "../../scripts/npm.ts";
import { tempFolder } from "./temp-folder.ts";

export interface Project {
  dir: string;
  /** The file that was installed. */
  tarball: string;
  /** The file of the package create-dapr-ts. */
  creator: string;
  /** Runs npm with nothing in store and nobody to ask; in the project, unless `cwd` says otherwise. Rejects if it fails. */
  npm(args: readonly string[], cwd?: string): Promise<string>;
  /** The folder of the installed package. */
  installed: string;
  /** Runs Node in the project; the environment has none of this test run's own settings. */
  node(args: readonly string[], more?: RunOptions): Promise<Ran>;
  /** Runs one of the package's programs. */
  dapr(...args: string[]): Promise<Ran>;
}

export interface RunOptions {
  /** The Node to run on. */
  node?: string;
  env?: Record<string, string>;
}

export interface Ran {
  code: number | null;
  out: string;
  err: string;
}

const root = join(__dirname, "..", "..");

/** Called once in a test file; the folder is removed after it. */
export async function installPackage(): Promise<Project> {
  const folder = tempFolder("package");
  const packed = await npm(["run", "--silent", "pack", "--", folder], {
    cwd: root,
  });
  const [tarball, creator] = packed.trim().split("\n") as [string, string];
  const cache = join(folder, "cache");
  const dir = join(folder, "project");
  mkdirSync(dir);
  writeFileSync(join(dir, "package.json"), '{ "private": true }\n');
  await npm(["install", "--no-audit", "--no-fund", tarball], {
    cwd: dir,
    env: offline(cache),
  });
  const installed = join(dir, "node_modules", "dapr-ts");
  const home = join(folder, "home");
  mkdirSync(home);

  function node(args: readonly string[], more: RunOptions = {}): Promise<Ran> {
    return run(more.node ?? process.execPath, args, dir, {
      ...plainEnv(),
      HOME: home,
      USERPROFILE: home,
      ...more.env,
    });
  }
  return {
    dir,
    tarball,
    creator,
    npm: (args, cwd = dir) =>
      npm(args, { cwd, env: { ...plainEnv(), ...offlineEnv(cache) } }),
    installed,
    node,
    dapr: (...args) =>
      node([join(installed, "runtime", "bin", "dapr.js"), ...args]),
  };
}

/** npm has nothing in store, and nobody to ask. */
export const offline = (cache: string): NodeJS.ProcessEnv => ({
  ...process.env,
  ...offlineEnv(cache),
});

const offlineEnv = (cache: string) => ({
  npm_config_cache: cache,
  npm_config_offline: "true",
  npm_config_registry: "http://127.0.0.1:9/",
});

/** Without what npm and Jest tell their children. */
const plainEnv = () =>
  Object.fromEntries(
    Object.entries(process.env).filter(
      ([name]) => !/^(npm_|JEST_|NODE_|DAPR_)/.test(name),
    ),
  ) as NodeJS.ProcessEnv;

function run(
  command: string,
  args: readonly string[],
  cwd: string,
  env: NodeJS.ProcessEnv,
): Promise<Ran> {
  const child = spawn(command, args, {
    cwd,
    env,
    stdio: ["ignore", "pipe", "pipe"],
  });
  let out = "";
  let err = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => (out += text));
  child.stderr.setEncoding("utf8").on("data", (text: string) => (err += text));
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code) => resolve({ code, out, err }));
  });
}
