/** The sidecar from argv to exit code: environment, signals, start and end. */
import { rmSync } from "node:fs";
import { setFlagsFromString } from "node:v8";
import { messageOf } from "../shared/message-of.ts";
import { exitSoon } from "../shared/process/exit.ts";
import {
  deprecatedFlags,
  FlagError,
  help,
  notActedUpon,
  parseFlags,
  type Flags,
  type ParsedFlags,
} from "../sidecar/flags.ts";
import { watchLifeline, type Left } from "../shared/process/lifeline.ts";
import { createLogFile } from "../shared/log-file.ts";
import { createLogger, parseLevel, type Logger } from "../shared/log.ts";
import { lateLimit } from "../shared/process/node-limits.ts";
import { portClash } from "../sidecar/port-clash.ts";
import type { Sidecar } from "../sidecar/start.ts";
import { tellParent } from "./tell-parent.ts";
import { daprVersion, version } from "../shared/version.ts";
import { delay } from "../shared/timers.ts";

type End =
  | { kind: "signal"; name: string }
  | { kind: "api" | "parent" }
  | { kind: "restart"; reason: string };

const signalNames: Partial<Record<NodeJS.Signals, string>> = {
  SIGINT: "interrupt",
  SIGTERM: "terminated",
};
/** Meanwhile the answer to the request goes out. */
const forcedExitMs = 100;
const waitLimitMs = 60_000;

/** Settles when the process at the other end of the lifeline is gone. */
let parentGone: Promise<Left> | undefined;

export async function main(argv: string[]) {
  let parsed: ParsedFlags;
  let log: Logger;
  try {
    parsed = parseFlags(argv);
    const { flags } = parsed;
    if (flags.help) return print(help());
    if (flags.version) return print(`${daprVersion}\n`);
    if (flags["build-info"])
      return print(
        `Version: ${daprVersion}\nGit Commit: ts-${version}\nGit Version: ${version}\n`,
      );
    if (flags.wait) return await waitForOutbound(flags["dapr-http-port"]);
    log = openLog(flags);
    applyDeprecated(parsed, log);
    check(flags);
  } catch (error) {
    if (!(error instanceof FlagError)) throw error;
    console.error(`daprd: ${error.message}\nSee daprd --help.`);
    process.exitCode = 2;
    return;
  }
  const later = notActedUpon(parsed);
  if (later.length > 0)
    log.info(
      `These flags are accepted but not acted upon by this version: ${later.join(", ")}`,
    );
  process.on("uncaughtException", (error, origin) => {
    // Nobody knows what was left half done, such as an answer or a position.
    log.fatal(
      `An error that nobody handled (${origin}) ends this sidecar, as its state is not known any more: ${error?.stack ?? String(error)}`,
    );
    process.exit(1);
  });
  for (;;) {
    const end = await run(parsed.flags, log);
    if (end !== "restart") return exitSoon(end);
  }
}

/** Runs one sidecar from start to end. Returns the exit code. */
async function run(flags: Flags, log: Logger): Promise<number | "restart"> {
  const ended = Promise.withResolvers<End>();
  let isEnding = false;
  const onSignal = (signal: NodeJS.Signals) => {
    if (isEnding) process.exit(1); // the second signal does not wait
    isEnding = true;
    ended.resolve({ kind: "signal", name: signalNames[signal] ?? signal });
  };
  const restart = (reason: string) =>
    ended.resolve({ kind: "restart", reason });
  const onHangUp = () => restart("Received signal 'hangup'");
  process.on("SIGINT", onSignal);
  process.on("SIGTERM", onSignal);
  process.on("SIGHUP", onHangUp);
  const lifeline = Number(process.env["DAPR_LIFELINE_FD"] ?? NaN);
  if (Number.isInteger(lifeline)) {
    delete process.env["DAPR_LIFELINE_FD"]; // once, also across a restart
    parentGone = new Promise((resolve) => watchLifeline(lifeline, resolve));
  }
  void parentGone?.then(() => ended.resolve({ kind: "parent" }));
  const calledOff = new AbortController();
  void ended.promise.then(() => calledOff.abort());
  const { start } = await import("../sidecar/start.ts");
  const starting = start({
    flags,
    env: process.env,
    log,
    signal: calledOff.signal,
    onRestart: restart,
    onShutdown(force) {
      if (!force) return ended.resolve({ kind: "api" });
      log.info(
        "Force shutdown requested, exiting immediately without graceful shutdown",
      );
      setTimeout(() => process.exit(1), forcedExitMs);
    },
  });
  try {
    // It can be told to end before it has started.
    await Promise.race([starting, ended.promise]);
  } catch (error) {
    log.fatal(`Fatal error from runtime: ${messageOf(error)}`);
    return 1;
  }
  setFlagsFromString(lateLimit);
  void starting.then(tellParent, () => {}); // told below
  const end = await ended.promise;
  isEnding = true;
  if (end.kind === "restart") log.info(`${end.reason}; restarting`);
  else
    log.info(
      end.kind === "signal"
        ? `Received signal '${end.name}'; beginning shutdown`
        : end.kind === "parent"
          ? "The process that started this sidecar is gone; beginning shutdown"
          : "Shutdown requested via API; beginning shutdown",
    );
  const code = await close(starting, flags, log);
  if (end.kind === "parent" && parentGone)
    await clearAway(await parentGone, log);
  process.off("SIGINT", onSignal);
  process.off("SIGTERM", onSignal);
  process.off("SIGHUP", onHangUp);
  return end.kind === "restart" && code === 0 ? "restart" : code;
}

/** Nobody else is left to kill an app that ignores SIGTERM, or to remove a folder. */
async function clearAway({ appEnded, folders }: Left, log: Logger) {
  await appEnded;
  for (const folder of folders)
    try {
      // Other sidecars of the same parent remove it at the same time.
      rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
    } catch (error) {
      log.error(`${folder} could not be removed: ${messageOf(error)}`);
    }
}

/** The documented shutdown. Returns the exit code. */
async function close(
  starting: Promise<Sidecar>,
  flags: Flags,
  log: Logger,
): Promise<number> {
  const blockMs = flags["dapr-block-shutdown-duration"];
  const started = await Promise.race([starting, undefined]);
  if (started && blockMs !== undefined && blockMs > 0) {
    log.info(
      `Blocking graceful shutdown for ${blockMs / 1000}s or until app reports unhealthy...`,
    );
    const { stopped, appUnhealthy } = started.block();
    const reason = await Promise.race([
      delay(blockMs, "Block shutdown period expired"),
      appUnhealthy.then(() => "App reported unhealthy"),
    ]);
    await stopped;
    log.info(`${reason}, entering shutdown...`);
  }
  const seconds = flags["dapr-graceful-shutdown-seconds"];
  const limitMs = (seconds < 0 ? 5 : seconds) * 1000;
  const closing = starting
    .catch((error: unknown) => {
      // It has closed again what it had opened.
      log.warn(`The start ended with it: ${messageOf(error)}`);
      return undefined;
    })
    .then((sidecar) => sidecar?.close())
    .then(
      () => "closed" as const,
      (error: unknown) => {
        log.error(`Error during shutdown: ${messageOf(error)}`);
        return "failed" as const;
      },
    );
  const limit = new AbortController();
  const late = delay(limitMs, "late" as const, limit);
  const outcome = await (limitMs > 0 ? Promise.race([closing, late]) : closing);
  late.catch(() => {}); // not awaited, so that it does not delay the exit
  limit.abort();
  if (outcome === "late") {
    log.fatal("Graceful shutdown timeout exceeded, forcing shutdown");
    return 1;
  }
  log.info("Daprd shutdown gracefully");
  return outcome === "closed" ? 0 : 1;
}

function openLog(flags: Flags): Logger {
  let level;
  try {
    level = parseLevel(flags["log-level"]);
  } catch (error) {
    throw new FlagError((error as Error).message);
  }
  const toFile = flags["log-file"]
    ? createLogFile(flags["log-file"])
    : undefined;
  process.stdout.on("error", () => {}); // nobody reads any more: go on without
  return createLogger({
    level,
    json: flags["log-as-json"],
    appId: flags["app-id"],
    version: daprVersion,
    write: (line) => {
      process.stdout.write(`${line}\n`);
      toFile?.(line);
    },
  });
}

/** Older flags fill in for the newer ones, with a notice. */
function applyDeprecated({ flags, given }: ParsedFlags, log: Logger) {
  for (const [old, newer] of deprecatedFlags({ flags, given }))
    log.warn(
      `Flag --${old} has been deprecated, use the "${newer}" flag instead`,
    );
  const megabytes = flags["dapr-http-max-request-size"];
  if (megabytes > 0 && !given.has("max-body-size"))
    flags["max-body-size"] = megabytes * 1024 * 1024;
  const kilobytes = flags["dapr-http-read-buffer-size"];
  if (kilobytes > 0 && !given.has("read-buffer-size"))
    flags["read-buffer-size"] = kilobytes * 1024;
}

/** Checks that concern several flags. */
function check(flags: Flags) {
  const id = flags["app-id"];
  if (id === "")
    throw new FlagError("app-id parameter cannot be empty; give --app-id");
  if (id.includes("."))
    throw new FlagError(`app-id "${id}" may not contain dots`);
  const isRoot = process.geteuid?.() === 0;
  if (flags.mode === "kubernetes" && isRoot && !mayBeRoot(process.env))
    throw new FlagError(
      "in kubernetes mode the sidecar does not run as root: leave runAsNonRoot as the injector sets it, or set DAPR_UNSAFE_SKIP_CONTAINER_UID_GID_CHECK=true in dapr.io/env",
    );
  const ports = [flags["dapr-http-port"], flags["dapr-grpc-port"]];
  if (flags["app-port"] > 0 && ports.includes(flags["app-port"]))
    throw new FlagError(
      `the 'dapr-http-port' value ${ports[0]} and the 'dapr-grpc-port' value ${ports[1]} must differ from the 'app-port' value ${flags["app-port"]}`,
    );
  const clash = portClash(flags);
  if (clash) throw new FlagError(clash);
}

const mayBeRoot = (env: NodeJS.ProcessEnv) =>
  env["DAPR_UNSAFE_SKIP_CONTAINER_UID_GID_CHECK"] === "true";

function print(text: string) {
  process.stdout.write(text);
}

/** `--wait`: polls the outbound health of the sidecar on this machine. */
async function waitForOutbound(port: number) {
  const url = `http://127.0.0.1:${port}/v1.0/healthz/outbound`;
  const until = Date.now() + waitLimitMs;
  while (Date.now() < until) {
    const reply = await fetch(url).catch(() => undefined);
    if (reply?.status === 204) return;
    await delay(100);
  }
  console.error(
    `daprd: the sidecar at ${url} was not ready within ${waitLimitMs / 1000} s`,
  );
  process.exitCode = 1;
}
