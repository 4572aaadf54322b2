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

/** In ms; undefined when it is none. */
export function decodeTimeout(text: string): number | undefined {
  if (!/^\d{1,8}[HMSmun]$/.test(text)) return undefined;
  return Number(text.slice(0, -1)) * msOfUnit[text.at(-1)!]!;
}
