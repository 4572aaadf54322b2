/** Tables as the original prints them: left-aligned, two blanks between, empty columns left out. */
import { printable } from "./printable.ts";

export function renderTable(table: readonly Record<string, string>[]): string {
  const rows = table.map((row) =>
    Object.fromEntries(
      Object.entries(row).map(([name, cell]) => [name, oneLine(cell)]),
    ),
  );
  const columns = Object.keys(rows[0] ?? {}).filter((name) =>
    rows.some((row) => row[name] !== ""),
  );
  const widths = columns.map((name) =>
    Math.max(name.length, ...rows.map((row) => [...row[name]!].length)),
  );
  const line = (cells: string[]) =>
    cells
      .map((cell, at) => cell + " ".repeat(widths[at]! - [...cell].length))
      .join("  ")
      .trimEnd();
  return [
    line(columns),
    ...rows.map((row) => line(columns.map((name) => row[name]!))),
  ].join("\n");
}

const oneLine = (cell: string) => printable(cell.replace(/[\r\n\t]/g, " "));
