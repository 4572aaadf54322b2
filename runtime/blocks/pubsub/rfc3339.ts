/** Times as an envelope has them: to the second. */

/** 2024-10-01T10:00:00Z */
export const utcTime = (ms: number): string =>
  `${new Date(ms).toISOString().slice(0, 19)}Z`;

let cachedSecond = NaN;
let cached = "";

/** Now, in the machine's time zone: 2024-10-01T12:00:00+02:00. Written once for each second. */
export function localTime(): string {
  const second = Math.floor(Date.now() / 1000);
  if (second !== cachedSecond) {
    cached = inZone(second * 1000);
    cachedSecond = second;
  }
  return cached;
}

/** `minutesEast`: of Greenwich. */
export function inZone(
  ms: number,
  minutesEast = -new Date(ms).getTimezoneOffset(),
): string {
  if (minutesEast === 0) return utcTime(ms);
  const local = utcTime(ms + minutesEast * 60_000).slice(0, 19);
  const distance = Math.abs(minutesEast);
  const two = (number: number) => `${Math.floor(number)}`.padStart(2, "0");
  return `${local}${minutesEast < 0 ? "-" : "+"}${two(distance / 60)}:${two(distance % 60)}`;
}
