/** Tables as the original prints them: left-aligned, two blanks between, empty columns left out. */
import { printable } from "./printable.ts";

/** Leaves out the columns of `spare`, in that order, until a line has at most `width` characters. */
export function renderTable(
  table: readonly Record<string, string>[],
  { width = Infinity, spare = [] as readonly string[] } = {},
): string {
  const rows = table.map((row) =>
    Object.fromEntries(
      Object.entries(row).map(([name, cell]) => [name, oneLine(cell)]),
    ),
  );
  let columns = Object.keys(rows[0] ?? {}).filter((name) =>
    rows.some((row) => row[name] !== ""),
  );
  const widthOf = (name: string) =>
    Math.max(name.length, ...rows.map((row) => [...row[name]!].length));
  const total = () =>
    columns.reduce((sum, name) => sum + widthOf(name) + 2, -2);
  for (const name of spare)
    if (total() > width) columns = columns.filter((one) => one !== name);
  const widths = columns.map(widthOf);
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
