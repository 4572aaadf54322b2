/** Compares what a terminal printed with the lines a tutorial shows. */

/**
 * The expected lines that are missing. Each must be part of a printed line, in the
 * order shown. The order counts only among the lines of one app (`== APP - x ==`),
 * since different apps are different processes, and not at all if they are `unordered`.
 */
export function missingLines(
  expected: readonly string[],
  printed: readonly string[],
  unordered = false,
): string[] {
  if (unordered)
    return expected.flatMap((line) => missingLines([line], printed));
  const missing: string[] = [];
  const reached = new Map<string, number>();
  for (const line of expected) {
    const app = appOf(line);
    const pattern = toPattern(line);
    const start = reached.get(app) ?? 0;
    const found = printed.findIndex(
      (one, index) => index >= start && appOf(one) === app && pattern.test(one),
    );
    if (found === -1) missing.push(line);
    else reached.set(app, found + 1);
  }
  return missing;
}

/** A readable difference: the expected lines, the missing ones marked, then the end of what was printed. */
export function difference(
  expected: readonly string[],
  printed: readonly string[],
  unordered = false,
): string {
  const missing = missingLines(expected, printed, unordered);
  const wanted = expected.map(
    (line) =>
      `  ${missing.includes(line) ? "- missing  " : "  found    "}${line}`,
  );
  const seen = printed.slice(-25).map((line) => `  | ${line}`);
  return [
    "expected:",
    ...wanted,
    `printed (last ${seen.length} of ${printed.length} lines):`,
    ...seen,
  ].join("\n");
}

function appOf(line: string): string {
  return /^== APP( - \S+)? ==/.exec(line.trim())?.[0] ?? "";
}

function toPattern(line: string): RegExp {
  const parts = line
    .trim()
    .split("…")
    .map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"));
  return new RegExp(parts.join(".*"));
}
