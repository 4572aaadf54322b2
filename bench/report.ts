/** Formats the samples as a table and as JSON. */
import { cpus, release, totalmem } from "node:os";
import type { Measurement } from "./bench.ts";
import type { Results } from "./rounds.ts";
import type { Target } from "./sidecar.ts";
import { median } from "./stats.ts";

export interface Sample extends Measurement {
  backend: string;
  target: string;
  round: number;
}

export interface Failure {
  backend: string;
  target: string;
  round: number;
  scenario: string;
  error: string;
}

/** A sample is marked as noisy when other programs used more than this share of one core. */
const noisyAbove = 0.1;

/** For a terminal, or as Markdown. */
export function table(
  samples: readonly Sample[],
  targets: readonly string[],
  { markdown = false } = {},
): string {
  const lines: string[][] = [];
  const rows = Map.groupBy(
    samples,
    (sample) => `${sample.backend}\n${sample.metric}`,
  );
  let backend = "";
  for (const row of rows.values()) {
    const [{ backend: rowBackend, metric, unit, better }] = row as [
      Sample,
      ...Sample[],
    ];
    if (rowBackend !== backend) lines.push([(backend = rowBackend)]);
    const cells = targets.map((target) =>
      cell(row.filter((sample) => sample.target === target)),
    );
    const ratios = targets
      .slice(1)
      .map((other) => ratio(row, targets[0]!, other, better));
    lines.push([
      `${markdown ? "" : "  "}${metric}, ${unit}`,
      ...cells,
      ...ratios,
    ]);
  }
  const head = [
    "figure (median of rounds)",
    ...targets,
    ...targets.slice(1).map((other) => `ratio to ${other} (worst)`),
  ];
  return [
    markdown ? piped([head, ...lines]) : aligned([head, ...lines]),
    "~ other programs used more than a tenth of a core meanwhile",
    "",
  ].join("\n");
}

function cell(samples: readonly Sample[]): string {
  const values = samples.map((sample) => sample.value).filter(Number.isFinite);
  if (values.length === 0) return "-";
  const noisy = samples.some(
    (sample) => (sample.othersShare ?? 0) > noisyAbove,
  );
  return rounded(median(values)) + (noisy ? " ~" : "");
}

/** The median and the worst of the ratios. Each is taken within a round, since rounds differ more than sidecars do. */
function ratio(
  row: readonly Sample[],
  own: string,
  other: string,
  better: Measurement["better"],
): string {
  const ratios = row.flatMap((sample) => {
    if (sample.target !== own) return [];
    const pair = row.find(
      (candidate) =>
        candidate.target === other && candidate.round === sample.round,
    );
    const value = pair === undefined ? Number.NaN : sample.value / pair.value;
    return Number.isFinite(value) ? [value] : [];
  });
  if (ratios.length === 0) return "-";
  const worst = better === "higher" ? Math.min(...ratios) : Math.max(...ratios);
  return `${median(ratios).toFixed(2)}${better === "neither" ? "" : ` (${worst.toFixed(2)})`}`;
}

function rounded(value: number): string {
  if (value >= 100) return Math.round(value).toLocaleString("en");
  return value.toFixed(value >= 10 ? 1 : 2);
}

/** A Markdown table. A row with a single cell is a heading, in bold. */
function piped([head = [], ...rows]: string[][]): string {
  const line = (cells: string[]) => `| ${cells.join(" | ")} |`;
  return [
    line(head),
    line(head.map(() => "---")),
    ...rows.map((row) =>
      row.length > 1
        ? line(row)
        : line(head.map((_, i) => (i === 0 ? `**${row[0]}**` : ""))),
    ),
    "", // ends the table
  ].join("\n");
}

function aligned(rows: string[][]): string {
  const widths: number[] = [];
  for (const row of rows)
    if (row.length > 1)
      row.forEach(
        (text, i) => (widths[i] = Math.max(widths[i] ?? 0, text.length)),
      );
  return rows
    .map((row) =>
      row
        .map((text, i) =>
          i === 0 ? text.padEnd(widths[0]!) : text.padStart(widths[i]!),
        )
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}

export function json(results: Results, targets: readonly Target[]): string {
  const machine = {
    cpu: cpus()[0]?.model,
    cores: cpus().length,
    memoryGb: Math.round(totalmem() / 1e9),
    kernel: release(),
    node: process.version,
  };
  const date = new Date().toISOString();
  return `${JSON.stringify({ date, machine, targets, ...results }, null, 2)}\n`;
}
