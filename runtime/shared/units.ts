/** Switches, durations and sizes as Dapr's users write them. */

/** y, yes, true, t, on, 1 in any case; all else is false. */
export function isTruthy(value: string | undefined): boolean {
  return /^(y|yes|true|t|on|1)$/i.test((value ?? "").trim());
}

/** n, no, false, f, off, 0 in any case, and an empty text. */
export function isFalsy(value: string | undefined): boolean {
  return /^(n|no|false|f|off|0|)$/i.test((value ?? "").trim());
}

const unitMs: Record<string, number> = {
  ns: 1e-6,
  us: 1e-3,
  // Go takes both signs that look like this: micro and the Greek letter.
  "\u00b5s": 1e-3,
  "\u03bcs": 1e-3,
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
};

/** Reads a Go duration as milliseconds; a bare number counts in `bareUnitMs`. Throws on anything else. */
export function parseDurationMs(value: string, bareUnitMs: number): number {
  const input = value.trim();
  if (/^[+-]?\d+(\.\d+)?$/.test(input)) return Number(input) * bareUnitMs;
  const digits = input.replace(/^[+-]/, "");
  // Each part has to begin where the last one ended.
  const piece = /(\d+(?:\.\d*)?|\.\d+)(ns|us|\u00b5s|\u03bcs|ms|s|m|h)/y;
  let total = 0;
  do {
    const found = piece.exec(digits);
    if (!found)
      throw new Error(`"${value}" is not a duration such as 500ms or 1m30s`);
    total += Number(found[1]) * unitMs[found[2]!]!;
  } while (piece.lastIndex < digits.length);
  return input.startsWith("-") ? -total : total;
}

/** As Go writes one: `1m2.5s`, `12.345ms`; less than a millisecond is a part of one. */
export function goDuration(ms: number): string {
  if (ms < 1000) return `${+ms.toFixed(3)}ms`;
  const minutes = Math.floor(ms / 60_000);
  return `${minutes > 0 ? `${minutes}m` : ""}${+((ms % 60_000) / 1000).toFixed(3)}s`;
}

const quantityFactor: Record<string, number> = {
  "": 1,
  k: 1e3,
  K: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
  Ti: 2 ** 40,
};

/** Reads a Kubernetes quantity as a whole number of bytes. Throws on anything else (`100MB`). */
export function parseQuantity(value: string): number {
  const match = /^([+-]?\d+(?:\.\d+)?)(|k|K|M|G|T|Ki|Mi|Gi|Ti)$/.exec(
    value.trim(),
  );
  if (!match) throw new Error(`"${value}" is not a size such as 4Mi or 100k`);
  return Math.ceil(Number(match[1]) * quantityFactor[match[2]!]!);
}
