/** The bench's orders: those of the tutorial, with a time stamp and padded to 1 KB. */

export const orderBytes = 1024;

/** `sentAtUs` is a time of the monotonic clock. Keys are sorted, as the sidecar writes them. */
export function order(id: number, sentAtUs: number): string {
  const start = `{"orderId":${id},"pad":"`;
  const end = `","sentAt":${sentAtUs}}`;
  return start + "x".repeat(orderBytes - start.length - end.length) + end;
}

/**
 * Whether the text is the whole order with this number, whenever it was sent. Its
 * keys may come in any order, since the original's state API shuffles them.
 */
export function isOrder(text: string, id: number): boolean {
  const key = `"orderId":${id}`;
  const at = text.indexOf(key);
  const next = text[at + key.length];
  return text.length === orderBytes && at > 0 && (next === "," || next === "}");
}
