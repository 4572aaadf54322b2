/** The time that a caller gives, as `grpc-timeout` tells it: at most eight digits and a unit (PROTOCOL-HTTP2.md, "Timeout"). */

const msOfUnit: Record<string, number> = {
  H: 3_600_000,
  M: 60_000,
  S: 1000,
  m: 1,
  u: 1e-3,
  n: 1e-6,
};

export function encodeTimeout(ms: number): string {
  for (const unit of ["m", "S", "M"]) {
    const value = Math.max(0, Math.ceil(ms / msOfUnit[unit]!));
    if (value < 1e8) return `${value}${unit}`;
  }
  return `${Math.min(Math.ceil(ms / msOfUnit["H"]!), 99_999_999)}H`;
}

/** In ms, of a text without {@link timeoutError}; one below 0 is over at once. */
export const decodeTimeout = (text: string): number =>
  Math.max(0, Number(text.slice(0, -1)) * msOfUnit[text.at(-1)!]!);

/** As grpc-go words it, which takes a sign too; undefined for what is a time. */
export function timeoutError(text: string): string | undefined {
  const shown = JSON.stringify(text.slice(0, 200));
  if (text.length < 2)
    return `transport: timeout string is too short: ${shown}`;
  if (text.length > 9) return `transport: timeout string is too long: ${shown}`;
  if (!/[HMSmun]$/.test(text))
    return `transport: timeout unit is not recognized: ${shown}`;
  const value = text.slice(0, -1);
  return /^[+-]?\d+$/.test(value)
    ? undefined
    : `strconv.ParseInt: parsing ${JSON.stringify(value)}: invalid syntax`;
}
