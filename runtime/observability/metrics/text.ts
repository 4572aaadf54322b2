/** The text that Prometheus reads: https://prometheus.io/docs/instrumenting/exposition_formats/#text-based-format */
import type { Label, Rewrite } from "./bounded.ts";
import { noRewrites, type Rewrites } from "./rules.ts";
import type { Family, Table } from "./table.ts";

export const contentType = "text/plain; version=0.0.4; charset=utf-8";

/** `appId` becomes the first label of each row. */
export function metricsText(
  appId: string,
  tables: readonly Table[],
  rewrites: Rewrites = noRewrites,
): string {
  const parts: string[] = [];
  for (const table of tables) {
    if (table.rows.length === 0) continue;
    for (const family of table.families) {
      const name = `dapr_${family.name}`;
      parts.push(head(name, family));
      const rules = rewrites.get(family.name);
      const told = toldRows(table, appId, rules);
      // Without a room of its own a value may be told as others are.
      const rows = rewrites.size > 0 ? merged(told, family) : told;
      for (const row of rows)
        parts.push(lines(name, family, table.bounds, row));
    }
  }
  return parts.join("") + processText();
}

/** A row as it is told. */
interface ToldRow {
  /** `app_id="orders",path="/a"` */
  labels: string;
  counts: Float64Array;
}

function toldRows(
  { labels, rows }: Table,
  appId: string,
  rules: ReadonlyMap<string, Rewrite> | undefined,
): ToldRow[] {
  const one = (label: string, value: Label) =>
    `${label}="${escaped(toldValue(value, rules?.get(label)))}"`;
  return rows.map(({ values, counts }) => ({
    labels: [
      one("app_id", appId),
      ...labels.map((label, i) => one(label, values[i] ?? "")),
    ].join(","),
    counts,
  }));
}

function toldValue(value: Label, rewrite: Rewrite | undefined): string {
  if (typeof value === "string") return rewrite?.(value) ?? value;
  const rewritten = rewrite?.(value.sample) ?? value.sample;
  return rewritten === value.sample ? value.other : rewritten;
}

/** Rows of which rules made the same become one. Of a gauge the highest value counts. */
function merged(rows: readonly ToldRow[], { type }: Family): ToldRow[] {
  const byLabels = new Map<string, ToldRow>();
  for (const { labels, counts } of rows) {
    const known = byLabels.get(labels);
    if (!known) byLabels.set(labels, { labels, counts: counts.slice() });
    else
      for (const [i, count] of counts.entries())
        known.counts[i] =
          type === "gauge"
            ? Math.max(known.counts[i]!, count)
            : known.counts[i]! + count;
  }
  return [...byLabels.values()];
}

const head = (name: string, { about, type }: Omit<Family, "name">) =>
  `# HELP ${name} ${about}\n# TYPE ${name} ${type}\n`;

function lines(
  name: string,
  { type }: Family,
  bounds: readonly number[],
  { labels: told, counts }: ToldRow,
): string {
  const [sum, ...buckets] = counts;
  const count = buckets.reduce((all, one) => all + one, 0);
  if (type === "gauge") return `${name}{${told}} ${sum}\n`;
  if (type === "counter") return `${name}{${told}} ${count}\n`;
  let below = 0;
  const rows = [...bounds, "+Inf"].map((bound, i) => {
    below += buckets[i]!;
    return `${name}_bucket{${told},le="${bound}"} ${below}\n`;
  });
  return `${rows.join("")}${name}_sum{${told}} ${sum}\n${name}_count{${told}} ${count}\n`;
}

const escaped = (value: string) =>
  value.replace(/[\\"\n]/g, (char) => (char === "\n" ? "\\n" : `\\${char}`));

/** Of the process, as Prometheus' own clients tell it. */
function processText(): string {
  const { user, system } = process.cpuUsage();
  const startedAt = Date.now() / 1000 - process.uptime();
  const one = (
    name: string,
    type: "counter" | "gauge",
    about: string,
    value: number,
  ) => `# HELP ${name} ${about}\n# TYPE ${name} ${type}\n${name} ${value}\n`;
  return (
    one(
      "process_cpu_seconds_total",
      "counter",
      "Total user and system CPU time spent in seconds.",
      (user + system) / 1e6,
    ) +
    one(
      "process_resident_memory_bytes",
      "gauge",
      "Resident memory size in bytes.",
      process.memoryUsage.rss(),
    ) +
    one(
      "process_start_time_seconds",
      "gauge",
      "Start time of the process since unix epoch in seconds.",
      Math.round(startedAt * 100) / 100,
    )
  );
}
