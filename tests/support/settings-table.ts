/** The table of a component's settings, as on its page in docs/. */
import type {
  MetadataTable,
  Property,
} from "../../runtime/contracts/metadata.ts";

/** A Markdown table with a row for each property. */
export function settingsTable(metadata: MetadataTable): string {
  const rows = Object.entries(metadata).map(([name, property]) =>
    [
      [name, ...(property.aliases ?? [])].map(code).join(", "),
      typeOf(property),
      property.required ? "required" : defaultOf(property),
      property.about.replaceAll("|", "\\|"),
    ].join(" | "),
  );
  if (rows.length === 0) return "No properties.";
  return [
    "Property | Type | Default | Meaning",
    "--- | --- | --- | ---",
    ...rows,
  ]
    .map((row) => `| ${row} |`)
    .join("\n");
}

const code = (text: string) => `\`${text}\``;

const typeOf = ({ kind, secret }: Property) =>
  `${kind.includes(" | ") ? kind.split(" | ").map(code).join(", ") : kind}${secret ? ", secret" : ""}`;

function defaultOf({ kind, default: value }: Property): string {
  if (value === undefined || value === "") return "-";
  if (kind === "duration") return inUnits(value as number, durations, "ms");
  if (kind === "size") return inUnits(value as number, sizes, "");
  if (Array.isArray(value))
    return value.length > 0 ? value.map(String).map(code).join(", ") : "-";
  return typeof value === "string" ? code(value) : String(value);
}

const durations = [
  ["h", 3_600_000],
  ["m", 60_000],
  ["s", 1000],
] as const;
const sizes = [
  ["Gi", 2 ** 30],
  ["Mi", 2 ** 20],
  ["Ki", 2 ** 10],
] as const;

/** The value in the largest unit of which it is a multiple. The unit `smallest` has the factor 1. */
function inUnits(
  value: number,
  units: readonly (readonly [string, number])[],
  smallest: string,
): string {
  if (value === 0) return "0";
  const [unit, factor] = units.find(([, size]) => value % size === 0) ?? [
    smallest,
    1,
  ];
  return `${value / factor}${unit}`;
}
