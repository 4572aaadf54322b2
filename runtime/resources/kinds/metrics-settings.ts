/** `spec.metrics` of a Configuration; `spec.metric`, its older name, counts where that one is silent. */
import {
  defaultMetrics,
  type MetricsSettings,
} from "../../contracts/configuration.ts";
import type { Logger } from "../../shared/log.ts";
import { where } from "../../shared/position.ts";
import { readMetricRules } from "./metric-rules.ts";
import { tellUnknown } from "../unknown-fields.ts";
import {
  boolAt,
  listAt,
  mapAt,
  member,
  textOf,
  textsOf,
  type Value,
} from "../values/yaml.ts";

const fields = [
  "enabled",
  "recordErrorCodes",
  "http",
  "latencyDistributionBuckets",
  "rules",
];
const httpFields = ["increasedCardinality", "pathMatching", "excludeVerbs"];

/** Throws if a value is of another type than it has to be. */
export function readMetrics(
  spec: Value | undefined,
  log: Logger,
): MetricsSettings {
  const names = ["metrics", "metric"].map((name) => `spec.${name}`);
  const given = names.map((name) =>
    mapAt(member(spec, name.slice("spec.".length)), name),
  );
  for (const [i, one] of given.entries()) {
    tellUnknown(one, fields, names[i]!, log);
    tellUnknown(
      mapAt(member(one, "http"), `${names[i]}.http`),
      httpFields,
      `${names[i]}.http`,
      log,
    );
  }
  const find = (...path: string[]): Value | undefined =>
    given
      .map((one) =>
        path.reduce<Value | undefined>((at, key) => member(at, key), one),
      )
      .find((value) => value !== undefined);
  const bool = (...path: string[]) =>
    boolAt(find(...path), `spec.metrics.${path.join(".")}`);
  const { http } = defaultMetrics;
  const enabled = bool("enabled");
  const latencyBuckets = readBuckets(find("latencyDistributionBuckets"));
  // As in the original, an empty list is silent.
  const rules = given
    .map((one, i) =>
      readMetricRules(member(one, "rules"), `${names[i]}.rules`, log),
    )
    .find((list) => list.length > 0);
  return {
    ...(enabled === undefined ? {} : { enabled }),
    recordErrorCodes: bool("recordErrorCodes") ?? false,
    http: {
      increasedCardinality:
        bool("http", "increasedCardinality") ?? http.increasedCardinality,
      pathMatching: textsOf(
        listAt(find("http", "pathMatching"), "spec.metrics.http.pathMatching"),
      ).filter(Boolean),
      excludeVerbs: bool("http", "excludeVerbs") ?? http.excludeVerbs,
    },
    ...(latencyBuckets.length > 0 ? { latencyBuckets } : {}),
    ...(rules ? { rules } : {}),
  };
}

function readBuckets(value: Value | undefined): number[] {
  const name = "spec.metrics.latencyDistributionBuckets";
  const list = listAt(value, name);
  const bounds = list?.kind === "list" ? list.items : [];
  return bounds
    .map((item) => {
      const text = textOf(item);
      if (!/^\d{1,15}$/.test(text))
        throw new Error(
          `${name}: ${JSON.stringify(text)} is no whole number of milliseconds (${where(item.at)})`,
        );
      return Number(text);
    })
    .sort((a, b) => a - b);
}
