/** Starts an app of a tutorial as a process, reads what it prints, and stands in for its sidecar. */
import { spawn, type ChildProcess } from "node:child_process";
import { join } from "node:path";
import { waitFor } from "../wait-for.ts";
import { freePorts } from "./ports.ts";
import { startApp, type Answer, type RecordingApp } from "./recording-app.ts";

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

/** Ends every app that a test left. */
async function endTutorialApps(): Promise<void> {
  for (const child of started.splice(0))
    if (child.exitCode === null && child.signalCode === null) {
      child.kill();
      await new Promise((resolve) => child.once("close", resolve));
    }
}

/** For the top of a test file: what stands in for the sidecar of its apps. It ends with them, after the last test. */
export function standInSidecar() {
  let app: RecordingApp;
  const sidecar = {
    /** To each request, until the next test. */
    answer: { status: 204 } as Answer,
    /** Since the beginning of the test. */
    get requests() {
      return app.requests;
    },
    get port() {
      return app.port;
    },
    /** By which an app finds it. */
    get env() {
      return { DAPR_HTTP_PORT: `${app.port}` };
    },
  };
  beforeAll(async () => {
    app = await startApp(() => sidecar.answer);
  });
  beforeEach(() => {
    app.requests.length = 0;
    sidecar.answer = { status: 204 };
  });
  afterAll(async () => {
    await endTutorialApps();
    await app.close();
  });
  return sidecar;
}
