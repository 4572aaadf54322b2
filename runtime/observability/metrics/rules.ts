/** Rules of the Configuration that change values of labels before Prometheus reads them. */
import type { MetricRule } from "../../contracts/configuration.ts";
import {
  compilePattern,
  type LinearPattern,
} from "../../shared/linear-pattern.ts";
import { messageOf } from "../../shared/message-of.ts";
import { where } from "../../shared/position.ts";
import type { Rewrite } from "./bounded.ts";
import type { Table } from "./table.ts";

/** By the name of a metric without `dapr_`, then by the label. */
export type Rewrites = ReadonlyMap<string, ReadonlyMap<string, Rewrite>>;

export const noRewrites: Rewrites = new Map();

/** Of several rules for one label of a metric the last one counts. Rejects on a pattern that is none of RE2. */
export async function compileRules(
  rules: readonly MetricRule[],
): Promise<Rewrites> {
  const found = new Map<string, Map<string, Rewrite>>();
  for (const { metric, label, replacements } of rules) {
    const name = ownName(metric);
    const labels = found.get(name) ?? new Map<string, Rewrite>();
    found.set(name, labels.set(label, await compileAll(replacements)));
  }
  return found;
}

/** The original takes the names of its own source too: `http/server/latency`. */
const ownName = (metric: string) =>
  metric.replace("dapr_", "").replaceAll("/", "_");

async function compileAll(
  replacements: MetricRule["replacements"],
): Promise<Rewrite> {
  const all: { pattern: LinearPattern; replacement: string }[] = [];
  for (const { pattern, replacement, at } of replacements)
    try {
      all.push({ pattern: await compilePattern(pattern), replacement });
    } catch (error) {
      throw new Error(
        `spec.metrics.rules: ${messageOf(error)}; write a pattern of RE2 (${where(at)})`,
        { cause: error },
      );
    }
  // As in the original, an empty value is not looked at.
  return (value) =>
    value &&
    all.reduce(
      (now, { pattern, replacement }) => pattern.replaceAll(now, replacement),
      value,
    );
}

/** All that change this label, of whatever metric. */
export const rewritesOf = (
  rewrites: Rewrites,
  ...labels: readonly string[]
): Rewrite[] =>
  [...rewrites.values()].flatMap((one) =>
    labels.flatMap((label) => one.get(label) ?? []),
  );

/** Labels that rules are for and that there are not: `label path of the metric dapr_x`. */
export const unknownLabels = (
  rewrites: Rewrites,
  tables: readonly Table[],
): string[] =>
  [...rewrites].flatMap(([metric, labels]) => {
    const table = tables.find(({ families }) =>
      families.some(({ name }) => name === metric),
    );
    if (!table) return [`metric dapr_${metric}`];
    return [...labels.keys()]
      .filter((label) => label !== "app_id" && !table.labels.includes(label))
      .map((label) => `label ${label} of the metric dapr_${metric}`);
  });
