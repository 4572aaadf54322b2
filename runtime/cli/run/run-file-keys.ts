/** The keys of a run file and what their values must be. Unknown keys pass, as in the original; run-file-unknown.ts warns of them. */

type Kind = "text" | "optional" | "number" | "bool" | "list" | "map";
type KeyTable = Record<string, Kind>;
type ValueOf<K extends Kind> = K extends "text"
  ? string
  : K extends "optional"
    ? string | undefined
    : K extends "number"
      ? number
      : K extends "bool"
        ? boolean
        : K extends "list"
          ? string[]
          : Record<string, string>;
type Values<T extends KeyTable> = { [K in keyof T]: ValueOf<T[K]> };

/** Under `common` and in each app. */
export const sharedKeys = {
  configFilePath: "text",
  appProtocol: "text",
  apiListenAddresses: "text",
  enableProfiling: "bool",
  logLevel: "text",
  appMaxConcurrency: "number",
  // An empty text switches placement off, so absent must stay different from "".
  placementHostAddress: "optional",
  schedulerHostAddress: "text",
  resourcesPath: "text",
  resourcesPaths: "list",
  appSSL: "bool",
  maxBodySize: "text",
  readBufferSize: "text",
  daprHTTPMaxRequestSize: "number",
  daprHTTPReadBufferSize: "number",
  enableAppHealthCheck: "bool",
  appHealthCheckPath: "text",
  appHealthProbeInterval: "number",
  appHealthProbeTimeout: "number",
  appHealthThreshold: "number",
  enableApiLogging: "bool",
  runtimePath: "text",
  env: "map",
  appLogDestination: "text",
  daprdLogDestination: "text",
} as const satisfies KeyTable;

export const appKeys = {
  ...sharedKeys,
  appDirPath: "text",
  appID: "text",
  appChannelAddress: "text",
  appPort: "number",
  daprHTTPPort: "number",
  daprGRPCPort: "number",
  daprInternalGRPCPort: "number",
  metricsPort: "number",
  profilePort: "number",
  unixDomainSocket: "text",
  command: "list",
  // For Kubernetes; read so that a mistake in them shows.
  containerImage: "text",
  containerImagePullPolicy: "text",
  createService: "bool",
} as const satisfies KeyTable;

export type SharedKeys = Values<typeof sharedKeys>;
export type AppKeys = Values<typeof appKeys>;

/** Throws with the key's whole name (`apps[1].appPort`) when a value is of the wrong kind. */
export function readKeys<T extends KeyTable>(
  table: T,
  from: unknown,
  where: string,
): Values<T> {
  if (typeof from !== "object" || from === null || Array.isArray(from))
    throw new KeyError(
      where,
      `'${where}' is not a map in the provided run template file`,
    );
  const values: Record<string, unknown> = {};
  for (const [key, kind] of Object.entries(table))
    values[key] = readers[kind](
      (from as Record<string, unknown>)[key] ?? undefined,
      `${where}.${key}`,
    );
  return values as Values<T>;
}

/** A value of the wrong kind. */
export class KeyError extends Error {
  /** The key's whole name. */
  readonly key: string;

  constructor(key: string, message: string) {
    super(message);
    this.key = key;
  }
}

const wrong = (where: string, value: unknown, what: string) =>
  new KeyError(
    where,
    `'${where}' is ${JSON.stringify(value)} in the provided run template file, not ${what}`,
  );

const isScalar = (value: unknown) =>
  ["string", "number", "boolean"].includes(typeof value);

function text(value: unknown, where: string): string {
  if (value === undefined) return "";
  if (!isScalar(value)) throw wrong(where, value, "a text");
  return String(value);
}

const readers: Record<Kind, (value: unknown, where: string) => unknown> = {
  text,
  optional: (value, where) =>
    value === undefined ? undefined : text(value, where),
  number(value, where) {
    const number = value === undefined ? 0 : Number(value);
    if (!Number.isInteger(number) || typeof value === "boolean")
      throw wrong(where, value, "a whole number");
    return number;
  },
  bool(value, where) {
    if (value !== undefined && typeof value !== "boolean")
      throw wrong(where, value, "true or false");
    return value ?? false;
  },
  list(value, where) {
    if (value !== undefined && !Array.isArray(value))
      throw wrong(where, value, "a list");
    return (value ?? []).map((item: unknown, at: number) =>
      text(item ?? undefined, `${where}[${at}]`),
    );
  },
  map(value, where) {
    if (
      value !== undefined &&
      (typeof value !== "object" || Array.isArray(value))
    )
      throw wrong(where, value, "a map");
    return Object.fromEntries(
      Object.entries((value ?? {}) as object).map(([key, item]) => [
        key,
        text(item ?? undefined, `${where}.${key}`),
      ]),
    );
  },
};
