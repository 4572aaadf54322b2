/** Starts a program that was written with an SDK, as an app of a sidecar, and collects what it reports. */
import { spawn } from "node:child_process";
import { connect } from "node:net";
import { createInterface } from "node:readline";
import { waitFor } from "../wait-for.ts";

/** What it says of one capability: `works`, or why not. */
interface Report {
  capability: string;
  result: string;
}

export interface Program {
  /** By the id of the capability. */
  reports: Map<string, string>;
  /** Resolves once it has called all that there is but the shutdown. */
  called(): Promise<void>;
  /** Lets it end its sidecar; resolves once it ended itself. */
  end(): Promise<void>;
  /** For one that a test left. */
  kill(): void;
}

/** Of a program and its sidecar. */
export interface Place {
  appId: string;
  appPort: number;
  ports: [number, number];
  /** Without it the sidecar answers nobody. */
  token: string;
}

/**
 * A program listens on its port, waits for its sidecar and calls it. For each capability it prints a JSON of `Report` in a line
 * of its own, then `called`, and reads `end` from standard input. Resolves once it listens.
 */
export async function startProgram(
  [file = "", ...args]: string[],
  { appId, appPort, ports, token }: Place,
): Promise<Program> {
  const child = spawn(file, args, {
    env: {
      ...process.env,
      APP_ID: appId,
      APP_PORT: `${appPort}`,
      DAPR_HTTP_PORT: `${ports[0]}`,
      DAPR_GRPC_PORT: `${ports[1]}`,
      DAPR_API_TOKEN: token,
      // The one for Go waits 5 s for its sidecar otherwise.
      DAPR_CLIENT_TIMEOUT_SECONDS: "600",
    },
    stdio: ["pipe", "pipe", "pipe"],
  });
  const reports = new Map<string, string>();
  const printed: string[] = [];
  for (const stream of [child.stdout, child.stderr])
    createInterface({ input: stream }).on("line", (line) => {
      printed.push(line);
      if (!line.startsWith('{"capability":')) return;
      const { capability, result } = JSON.parse(line) as Report;
      reports.set(capability, result);
    });
  const ended = new Promise<void>((resolve) => child.once("close", resolve));
  const failIfEnded = () => {
    if (child.exitCode === null && child.signalCode === null) return;
    throw new Error(
      `${[file, ...args].join(" ")} ended with ${child.exitCode ?? child.signalCode}; it printed:\n${printed.join("\n")}`,
    );
  };
  await waitFor("the program to listen", () => {
    failIfEnded();
    return listens(appPort);
  });
  return {
    reports,
    async called() {
      await waitFor(
        "the program to call everything",
        () => {
          failIfEnded();
          return printed.includes("called");
        },
        limitMs,
      );
    },
    async end() {
      child.stdin.end("end\n");
      await ended;
      if (child.exitCode !== 0) failIfEnded();
    },
    kill: () => void child.kill("SIGKILL"),
  };
}

/** Far longer than any of them takes. */
const limitMs = 500_000;

const listens = (port: number) =>
  new Promise<boolean>((resolve) => {
    const socket = connect(port, "127.0.0.1", () => resolve(true))
      .on("error", () => resolve(false))
      .on("close", () => resolve(false));
    socket.once("connect", () => socket.destroy());
  });
