/** Makes one {@link Configuration} of `--config` files; later files lie over earlier ones (docs/protocol/configuration.md). */
import {
  defaultConfiguration,
  type Configuration,
  type NameResolution,
  type SecretScope,
} from "../../contracts/configuration.ts";
import type { Logger } from "../../shared/log.ts";
import { where } from "../../shared/position.ts";
import {
  maxYamlBytes,
  NotRegularError,
  readRegular,
  whyUnread,
} from "../../shared/files/read-regular.ts";
import { readAccessControl } from "./access-control.ts";
import { readMetrics } from "./metrics-settings.ts";
import { configurationFields } from "../fields.ts";
import { apiVersion } from "../other-kinds.ts";
import { tellFields, tellUnknown } from "../unknown-fields.ts";
import {
  boolAt,
  listAt,
  mapAt,
  member,
  readDocuments,
  textOf,
  textsOf,
  YamlError,
  type Value,
} from "../values/yaml.ts";

export interface ConfigurationOptions {
  env: Readonly<Record<string, string | undefined>>;
  log: Logger;
}

/** Settings that the sidecar acts on, and those that only the original acts on. */
const actedUpon = [
  "secrets",
  "accessControl",
  "nameResolution",
  "components",
  "logging",
  "metric",
  "metrics",
];
const later = ["tracing", "features", "wasm", "workflow"];
/** These keep something out in the original and do not here, so they are warned about. */
const laterGuards = ["httpPipeline", "appHttpPipeline", "api", "mtls"];
const known = [...actedUpon, ...later, ...laterGuards];

/** Throws if a file is missing or malformed, or its access control is wrong. */
export function loadConfiguration(
  files: readonly string[],
  { env, log }: ConfigurationOptions,
): Configuration {
  let spec: Value | undefined;
  for (const file of files) {
    const found = readSpec(file, env, log);
    if (found) spec = spec ? overlay(spec, found) : found;
  }
  return spec ? readConfiguration(spec, log) : defaultConfiguration;
}

/** Reads the `spec` of a Configuration, wherever it comes from. Throws if its access control is wrong. */
export function readConfiguration(spec: Value, log: Logger): Configuration {
  const given = mapAt(spec, "spec");
  tellTheRest(given, log);
  const logging = mapAt(member(given, "logging"), "spec.logging");
  tellUnknown(logging, ["apiLogging"], "spec.logging", log);
  const api = mapAt(member(logging, "apiLogging"), "spec.logging.apiLogging");
  tellUnknown(
    api,
    ["enabled", "obfuscateURLs", "omitHealthChecks"],
    "spec.logging.apiLogging",
    log,
  );
  const logs = (name: string) =>
    boolAt(member(api, name), `spec.logging.apiLogging.${name}`);
  const components = mapAt(member(given, "components"), "spec.components");
  tellUnknown(components, ["deny"], "spec.components", log);
  return {
    secretScopes: readScopes(given, log),
    accessControl: readAccessControl(
      mapAt(member(given, "accessControl"), "spec.accessControl"),
      log,
    ),
    nameResolution: readNameResolution(given, log),
    deniedComponents: textsOf(
      listAt(member(components, "deny"), "spec.components.deny"),
    ).filter(Boolean),
    enabledFeatures: readFeatures(given, "true"),
    disabledFeatures: readFeatures(given, "false"),
    apiLogging: {
      enabled: logs("enabled"),
      obfuscateUrls: logs("obfuscateURLs") ?? false,
      omitHealthChecks: logs("omitHealthChecks") ?? false,
    },
    metrics: readMetrics(given, log),
  };
}

/** The `spec` of the Configuration in a file; undefined if there is none. */
function readSpec(
  file: string,
  env: ConfigurationOptions["env"],
  log: Logger,
): Value | undefined {
  let source;
  try {
    source = readRegular(file, maxYamlBytes);
  } catch (error) {
    throw new Error(
      `error loading configuration: ${(error as NodeJS.ErrnoException).code === "ENOENT" ? `${file} does not exist; give --config an existing file or leave it out` : error instanceof NotRegularError ? `${file} can't be read: ${whyUnread(error)}` : (error as Error).message}`,
      { cause: error },
    );
  }
  let spec: Value | undefined;
  for (const document of readDocuments(expand(source, file, env, log), file)) {
    if (document instanceof YamlError)
      throw new Error(
        `error loading configuration: ${document.message} (${where(document.at)})`,
      );
    const kind = textOf(member(document, "kind"));
    if (kind !== "" && kind !== "Configuration")
      log.warn(
        `a ${kind} among the configuration is not read; resources go into a folder for --resources-path (${where(document.at)})`,
      );
    else if (spec)
      log.warn(
        `a second Configuration in one file is not read; give --config several files (${where(document.at)})`,
      );
    else {
      tellOutside(document, log);
      spec = member(document, "spec");
    }
  }
  return spec?.kind === "text" && spec.text === "" ? undefined : spec;
}

/** Warns about slips outside `spec`: settings at the wrong level, another apiVersion, and names written twice anywhere. */
function tellOutside(document: Value, log: Logger) {
  tellFields(document, configurationFields, "the Configuration", log);
  const version = member(document, "apiVersion");
  if (textOf(version) !== "" && textOf(version) !== apiVersion)
    log.warn(
      `the Configuration's apiVersion is not ${apiVersion}; it is read as if it were (${where(version?.at)})`,
    );
}

/** Replaces `$VAR` and `${VAR}` by Go's rules: an unset variable is empty, any other dollar stays. */
function expand(
  source: string,
  file: string,
  env: ConfigurationOptions["env"],
  log: Logger,
): string {
  return source.replace(
    // No brace inside the name: else each of many unclosed ones would be searched to the end of the text.
    /\$(?:\{([^{}\n]*)\}|([A-Za-z_]\w*|[0-9*#$@!?-]))/g,
    (_, braced: string | undefined, bare: string | undefined, at: number) => {
      const name = braced ?? bare!;
      const value = env[name];
      if (value === undefined)
        log.warn(
          `environment variable ${JSON.stringify(name)} is not set and reads as nothing (${file}:${source.slice(0, at).split("\n").length})`,
        );
      return value ?? "";
    },
  );
}

/** Maps are merged. All else is taken from the later file, a resolver's configuration as a whole. */
function overlay(base: Value, top: Value, name = ""): Value {
  if (base.kind !== "map" || top.kind !== "map" || name === "configuration")
    return top;
  const entries = new Map(base.entries);
  for (const [key, value] of top.entries) {
    const under = entries.get(key);
    entries.set(key, under ? overlay(under, value, key) : value);
  }
  return { ...top, entries };
}

/** Names the settings that have no effect, and warns about those that do not exist. */
function tellTheRest(spec: Value | undefined, log: Logger) {
  if (spec?.kind !== "map") return;
  const waiting: string[] = [];
  for (const [key, value] of spec.entries) {
    const name = known.find((entry) => entry.toLowerCase() === key);
    if (name === undefined) continue;
    if (laterGuards.includes(name) && !isOff(value))
      log.warn(
        `the Configuration's spec.${name} is not acted upon by this version: it protects nothing here (${where(value.at)})`,
      );
    else if (later.includes(name)) waiting.push(name);
  }
  tellUnknown(spec, known, "spec", log);
  if (waiting.length > 0)
    log.info(
      `These settings of the Configuration are accepted but not acted upon by this version: ${waiting.join(", ")}`,
    );
}

/** Whether `mtls` is `{ enabled: false }`, or empty. */
const isOff = (value: Value) =>
  textOf(value) === "" || textOf(member(value, "enabled")) === "false";

function readScopes(spec: Value | undefined, log: Logger): SecretScope[] {
  const secrets = mapAt(member(spec, "secrets"), "spec.secrets");
  tellUnknown(secrets, ["scopes"], "spec.secrets", log);
  const list = listAt(member(secrets, "scopes"), "spec.secrets.scopes");
  const scopes: SecretScope[] = [];
  for (const item of list?.kind === "list" ? list.items : []) {
    tellUnknown(
      item,
      ["storeName", "defaultAccess", "allowedSecrets", "deniedSecrets"],
      "spec.secrets.scopes",
      log,
    );
    const storeName = textOf(member(item, "storeName"));
    if (storeName === "")
      throw new Error(
        `spec.secrets.scopes: an entry names no storeName (${where(item.at)})`,
      );
    if (scopes.some((scope) => scope.storeName === storeName))
      throw new Error(
        `${storeName} storeName is repeated in secrets configuration (${where(item.at)})`,
      );
    const access = textOf(member(item, "defaultAccess")) || "allow";
    const defaultAccess = access.toLowerCase();
    if (defaultAccess !== "allow" && defaultAccess !== "deny")
      throw new Error(
        `defaultAccess ${access} can be either allow or deny (${where(member(item, "defaultAccess")?.at)})`,
      );
    scopes.push({
      storeName,
      defaultAccess,
      allowedSecrets: textsOf(
        listAt(member(item, "allowedSecrets"), "allowedSecrets"),
      ),
      deniedSecrets: textsOf(
        listAt(member(item, "deniedSecrets"), "deniedSecrets"),
      ),
      at: member(item, "storeName")?.at,
    });
  }
  return scopes;
}

/** The names of `[{name, enabled}]` with this value; a name twice counts once. */
function readFeatures(spec: Value | undefined, value: string): string[] {
  const list = listAt(member(spec, "features"), "spec.features");
  const names = (list?.kind === "list" ? list.items : [])
    .filter((item) => textOf(member(item, "enabled")) === value)
    .map((item) => textOf(member(item, "name")))
    .filter(Boolean);
  return [...new Set(names)];
}

function readNameResolution(
  spec: Value | undefined,
  log: Logger,
): NameResolution | undefined {
  const given = mapAt(member(spec, "nameResolution"), "spec.nameResolution");
  tellUnknown(
    given,
    ["component", "version", "configuration"],
    "spec.nameResolution",
    log,
  );
  const component = textOf(member(given, "component"));
  if (component === "") return undefined;
  const configuration = mapAt(
    member(given, "configuration"),
    "spec.nameResolution.configuration",
  );
  return {
    component,
    version: textOf(member(given, "version")) || "v1",
    configuration:
      configuration?.kind === "map"
        ? [...configuration.entries].map(([name, value]) => ({
            name,
            value: textOf(value),
            at: value.at,
          }))
        : [],
    at: member(given, "component")?.at,
  };
}
