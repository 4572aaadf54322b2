/** The table of docs/sdks.md: an SDK in each column, a capability in each row. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { capabilities, type Capability } from "./capabilities.ts";

/** Column → row → what the cell says. */
export type Cells = Record<string, Record<string, string>>;

export const rowOf = ({ block, what }: Capability) => `${block}: ${what}`;

const page = join(__dirname, "..", "..", "docs", "sdks.md");
const start = "<!-- table of the SDKs -->\n\n";
const end = "\n<!-- end of the table -->";

/** The table as it stands on the page. */
export function readTable(): Cells {
  const { table } = parts();
  const [columns = [], , ...rows] = table.trim().split("\n").map(cellsOf);
  return Object.fromEntries(
    columns
      .slice(1)
      .map((column, at) => [
        column,
        Object.fromEntries(rows.map(([row, ...cells]) => [row, cells[at]])),
      ]),
  );
}

/** Columns that are not given stay as they are. */
export function writeTable(found: Cells): void {
  const { before, after } = parts();
  const cells = { ...readTable(), ...found };
  const columns = Object.keys(cells);
  const lines = [
    ["", ...columns],
    ["---", ...columns.map(() => "---")],
    ...capabilities.map((capability) => [
      rowOf(capability),
      ...columns.map((column) => cells[column]?.[rowOf(capability)] ?? "?"),
    ]),
  ];
  const table = lines.map((line) => `| ${line.join(" | ")} |\n`).join("");
  writeFileSync(page, `${before}${table}${after}`);
}

const cellsOf = (line: string) =>
  line
    .split("|")
    .slice(1, -1)
    .map((cell) => cell.trim());

function parts() {
  const text = readFileSync(page, "utf8");
  const from = text.indexOf(start) + start.length;
  const to = text.indexOf(end);
  if (from < start.length || to < 0)
    throw new Error(`${page} has lost the marks around its table`);
  return {
    before: text.slice(0, from),
    table: text.slice(from, to),
    after: text.slice(to),
  };
}
