/**
 * Dapr's log lines. Text: `time="…" level=info msg="…" app_id=a instance=HOST
 * scope=dapr.runtime type=log ver=V` (keys after msg sorted); JSON by flag.
 */
import { hostname } from "node:os";

export type Level = "debug" | "info" | "warning" | "error" | "fatal";
export type Fields = Record<string, string | number>;

const rank: Record<Level, number> = {
  debug: 0,
  info: 1,
  warning: 2,
  error: 3,
  fatal: 4,
};

export interface Logger {
  debug(msg: string): void;
  info(msg: string): void;
  warn(msg: string): void;
  error(msg: string): void;
  fatal(msg: string): void;
  /** Writes at any level, with extra fields; for Dapr's API log lines. */
  always(msg: string, fields: Fields): void;
  /** The same log under another scope, e.g. `dapr.contrib`. */
  scope(scope: string): Logger;
}

export interface LogOptions {
  level: Level;
  json: boolean;
  appId: string;
  version: string;
  write: (line: string) => void;
}

/** Reads `--log-level`; `warn` and `panic` are the original's spellings. Throws on anything else. */
export function parseLevel(text: string): Level {
  const level = text.toLowerCase();
  if (level === "warn") return "warning";
  if (level === "panic") return "fatal";
  if (level in rank) return level as Level;
  throw new Error(`undefined log output level: ${text}`);
}

export function createLogger(
  options: LogOptions,
  scope = "dapr.runtime",
): Logger {
  const fixed = { app_id: options.appId, instance: hostname() };
  const emit = (
    level: Level,
    msg: string,
    scopeName: string,
    extra?: Fields,
  ) => {
    const fields: Fields = {
      ...fixed,
      ...extra,
      scope: scopeName,
      type: "log",
      ver: options.version,
    };
    options.write(
      options.json
        ? jsonLine(level, msg, fields)
        : textLine(level, msg, fields),
    );
  };
  const at = (level: Level, scopeName: string) =>
    rank[level] >= rank[options.level]
      ? (msg: string) => emit(level, msg, scopeName)
      : () => {};
  const make = (name: string): Logger => ({
    debug: at("debug", name),
    info: at("info", name),
    warn: at("warning", name),
    error: at("error", name),
    fatal: at("fatal", name),
    always: (msg, fields) => emit("info", msg, name, fields),
    scope: make,
  });
  return make(scope);
}

function textLine(level: Level, msg: string, fields: Fields): string {
  let line = `time="${timestamp()}" level=${level} msg=${JSON.stringify(msg)}`;
  for (const key of Object.keys(fields).sort())
    line += ` ${key}=${quoted(String(fields[key]))}`;
  return line;
}

function jsonLine(level: Level, msg: string, fields: Fields): string {
  const all: Record<string, string | number> = {
    ...fields,
    level,
    msg,
    time: timestamp(),
  };
  return JSON.stringify(
    Object.fromEntries(
      Object.keys(all)
        .sort()
        .map((key) => [key, all[key]]),
    ),
  );
}

/** logfmt quotes a value unless it is made of these characters (logrus' rule). */
const quoted = (value: string) =>
  /^[A-Za-z0-9\-._/@^+]*$/.test(value) ? value : JSON.stringify(value);

/** RFC 3339 with nanoseconds, UTC. */
function timestamp(): string {
  const nowMs = performance.timeOrigin + performance.now();
  const nanos = String(Math.floor((nowMs % 1000) * 1e6)).padStart(9, "0");
  return `${new Date(nowMs).toISOString().slice(0, 19)}.${nanos}Z`;
}
