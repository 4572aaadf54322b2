/** Starts an app of a tutorial as a process, and reads what it prints. */
import { spawn, type ChildProcess } from "node:child_process";
import { join } from "node:path";
import { waitFor } from "../wait-for.ts";
import { freePorts } from "./ports.ts";

const root = join(__dirname, "../..");
const started: ChildProcess[] = [];

export interface TutorialApp {
  child: ChildProcess;
  /** What it printed so far. */
  printed(): string;
  /** Waits until it has printed the text. */
  prints(text: string): Promise<unknown>;
}

/** `folder` is relative to the project's folder; `env` is added to this process's environment. */
export function startTutorialApp(
  folder: string,
  args: string[],
  env: Record<string, string>,
): TutorialApp {
  const child = spawn(process.execPath, args, {
    cwd: join(root, folder),
    env: { ...process.env, ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  started.push(child);
  let printed = "";
  child.stdout.on("data", (chunk) => (printed += chunk));
  child.stderr.pipe(process.stderr);
  return {
    child,
    printed: () => printed,
    prints: (text) => waitFor(`"${text}"`, () => printed.includes(text)),
  };
}

/** Starts it on a free port, and waits until it listens. */
export async function startListeningApp(
  folder: string,
  args: string[],
  env: Record<string, string> = {},
): Promise<TutorialApp & { port: number }> {
  const [port = 0] = await freePorts(1);
  const app = startTutorialApp(folder, args, { APP_PORT: `${port}`, ...env });
  await app.prints(` listening on port ${port}!\n`);
  return { ...app, port };
}

/** For afterAll: ends every app that a test left. */
export async function endTutorialApps(): Promise<void> {
  for (const child of started.splice(0))
    if (child.exitCode === null && child.signalCode === null) {
      child.kill();
      await new Promise((resolve) => child.once("close", resolve));
    }
}
