/** The text that Prometheus reads: https://prometheus.io/docs/instrumenting/exposition_formats/#text-based-format */
import type { Family, Row, Table } from "./table.ts";

export const contentType = "text/plain; version=0.0.4; charset=utf-8";

/** `appId` becomes the first label of each row. */
export function metricsText(appId: string, tables: readonly Table[]): string {
  const parts: string[] = [];
  for (const table of tables) {
    if (table.rows.length === 0) continue;
    for (const family of table.families) {
      const name = `dapr_${family.name}`;
      parts.push(head(name, family));
      for (const row of table.rows)
        parts.push(lines(name, family, table, row, appId));
    }
  }
  return parts.join("") + processText();
}

const head = (name: string, { about, type }: Omit<Family, "name">) =>
  `# HELP ${name} ${about}\n# TYPE ${name} ${type}\n`;

function lines(
  name: string,
  { type }: Family,
  { labels, bounds }: Table,
  { values, counts }: Row,
  appId: string,
): string {
  const told = [`app_id="${escaped(appId)}"`]
    .concat(labels.map((label, i) => `${label}="${escaped(values[i] ?? "")}"`))
    .join(",");
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
