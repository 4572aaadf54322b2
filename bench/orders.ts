/** The orders of the bench: the tutorial's, padded to 1 KB and stamped. */

const size = 1024;

/** `sentAt` is µs on the monotonic clock. Keys are sorted, as the sidecar would write them. */
export function order(id: number, sentAtUs: number): string {
  const start = `{"orderId":${id},"pad":"`;
  const end = `","sentAt":${sentAtUs}}`;
  return start + "x".repeat(size - start.length - end.length) + end;
}

const heads = new Map<string, string>();

/** A whole request, ready to write. */
export function orderRequest(
  path: string,
  id: number,
  sentAtUs: number,
): string {
  let head = heads.get(path);
  if (head === undefined) {
    const length = wrap(order(0, 0)).length;
    head = `POST ${path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: ${length}\r\n\r\n`;
    heads.set(path, head);
  }
  return head + wrap(order(id, sentAtUs));
}

const wrap = (data: string) => `{"data":${data},"operation":"create"}`;
