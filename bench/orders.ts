/** The orders of the bench: the tutorial's, padded to 1 KB and stamped. */

export const orderBytes = 1024;

/** `sentAt` is µs on the monotonic clock. Keys are sorted, as the sidecar would write them. */
export function order(id: number, sentAtUs: number): string {
  const start = `{"orderId":${id},"pad":"`;
  const end = `","sentAt":${sentAtUs}}`;
  return start + "x".repeat(orderBytes - start.length - end.length) + end;
}

/**
 * True of the whole order with this number, whenever it was sent. Its keys may
 * come in any order: the original's state API shuffles them.
 */
export function isOrder(text: string, id: number): boolean {
  const key = `"orderId":${id}`;
  const at = text.indexOf(key);
  const next = text[at + key.length];
  return text.length === orderBytes && at > 0 && (next === "," || next === "}");
}
