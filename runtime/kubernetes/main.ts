/** The control plane's entry: `injector`, `operator`, or `certificate` (issuer.ts starts that one). */
import { text } from "node:stream/consumers";
import type { IssueRequest } from "./certificates/issue.ts";
import { createLogger, parseLevel } from "../shared/log.ts";
import { daprVersion } from "../shared/version.ts";
import { exitSoon } from "../shared/process/exit.ts";
import { whyNotExtraAuthorities } from "../shared/process/extra-authorities.ts";

const programs = {
  injector: async () => (await import("./injector/main.ts")).runInjector,
  operator: async () => (await import("./operator/main.ts")).runOperator,
};

/** Less than the pod's grace period. */
const endMs = 10_000;

const [, , word = "", ...rest] = process.argv;
const problem = whyNotExtraAuthorities();
if (problem) {
  console.error(problem);
  process.exitCode = 1;
} else if (word === "certificate") await makeCertificate();
else if (Object.hasOwn(programs, word))
  await run(word as keyof typeof programs);
else {
  console.error(
    `"${word}" is no part of the control plane: give one of ${Object.keys(programs).join(", ")}.`,
  );
  process.exitCode = 1;
}

async function run(name: keyof typeof programs): Promise<void> {
  const log = createLogger(
    {
      level: parseLevel(process.env["LOG_LEVEL"] || "info"),
      json: process.env["LOG_AS_JSON"] === "true",
      appId: `dapr-${name}`,
      version: daprVersion,
      write: (line) => process.stdout.write(`${line}\n`),
    },
    `dapr.${name}`,
  );
  const stopping = new AbortController();
  for (const signal of ["SIGTERM", "SIGINT"] as const)
    process.on(signal, () => {
      if (stopping.signal.aborted) return;
      log.info(`${signal}: stopping`);
      stopping.abort();
      // A program that still waits for Kubernetes has nothing to close.
      setTimeout(() => exitSoon(0), endMs).unref();
    });
  if (rest.length > 0)
    log.warn(`arguments are not looked at: ${rest.join(" ")}`);
  try {
    const start = await programs[name]();
    await start(log, stopping.signal);
    exitSoon(0);
  } catch (error) {
    log.fatal((error as Error).message);
    exitSoon(1);
  }
}

async function makeCertificate(): Promise<void> {
  const request = JSON.parse(await text(process.stdin)) as IssueRequest;
  const { issue } = await import("./certificates/issue.ts");
  process.stdout.write(JSON.stringify(await issue(request)));
}
