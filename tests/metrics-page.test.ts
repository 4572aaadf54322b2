/** docs/metrics.md has every name and label that a sidecar counts by. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { createTables } from "../runtime/observability/metrics/tables.ts";

const page = readFileSync(
  join(__dirname, "..", "docs", "metrics.md"),
  "utf8",
).split("## Names")[1]!;

const told = [...page.matchAll(/`dapr_(\w+)`/g)].map(([, name]) => name);

test("the page has the names of all metrics, and no others", () => {
  const names = Object.values(createTables([], true)).flatMap(({ families }) =>
    families.map(({ name }) => name),
  );
  expect(told.toSorted()).toEqual(names.toSorted());
});

test("a name's row has its labels", () => {
  const rows = page.split("\n");
  for (const { families, labels } of Object.values(createTables([], true))) {
    const at = rows.findIndex((row) =>
      row.includes(`dapr_${families[0]!.name}`),
    );
    // "the same" as the row before
    const row = rows[at]!.includes("| the same |")
      ? rows.slice(0, at).findLast((one) => !one.includes("| the same |"))!
      : rows[at]!;
    for (const label of labels) expect(row).toContain(`\`${label}\``);
  }
});
