/** `spec.metrics.rules` of a Configuration. */
import type { MetricRule } from "../../contracts/configuration.ts";
import type { Logger } from "../../shared/log.ts";
import { where } from "../../shared/position.ts";
import { tellUnknown } from "../unknown-fields.ts";
import { listAt, mapAt, member, textOf, type Value } from "../values/yaml.ts";

/** `[{name: METRIC, labels: [{name: LABEL, regex: {REPLACEMENT: PATTERN}}]}]`. Throws where a name or a pattern is missing. */
export function readMetricRules(
  value: Value | undefined,
  path: string,
  log: Logger,
): MetricRule[] {
  return itemsOf(value, path).flatMap((rule) => {
    tellUnknown(mapAt(rule, path), ["name", "labels"], path, log);
    const metric = nameOf(rule, path);
    return itemsOf(member(rule, "labels"), `${path}.labels`).map((label) => ({
      metric,
      label: readLabel(label, `${path}.labels`, log),
      replacements: readReplacements(label, `${path}.labels.regex`),
    }));
  });
}

function readLabel(label: Value, path: string, log: Logger): string {
  tellUnknown(mapAt(label, path), ["name", "regex"], path, log);
  return nameOf(label, path);
}

function readReplacements(
  label: Value,
  path: string,
): MetricRule["replacements"] {
  const regex = mapAt(member(label, "regex"), path);
  if (regex?.kind !== "map") return [];
  const [twice] = regex.doubled ?? [];
  if (twice)
    throw new Error(
      `${path}: ${JSON.stringify(twice.name)} is there twice; upper and lower case are the same here (${where(twice.at)})`,
    );
  return [...regex.entries].map(([folded, pattern]) => {
    if (pattern.kind !== "text")
      throw new Error(
        `${path} must map texts to patterns (${where(pattern.at)})`,
      );
    return {
      pattern: pattern.text,
      replacement: pattern.key?.name ?? folded,
      at: pattern.at,
    };
  });
}

function itemsOf(value: Value | undefined, path: string): Value[] {
  const list = listAt(value, path);
  return list?.kind === "list" ? list.items : [];
}

function nameOf(value: Value, path: string): string {
  const name = textOf(member(value, "name"));
  if (name === "")
    throw new Error(`${path}: a name is missing (${where(value.at)})`);
  return name;
}
