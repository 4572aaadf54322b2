/** What the head of an answer may say, in any protocol. It is judged here once: what passes can be sent on. */
import type { RawHeaders } from "../contracts/invocation.ts";
import { ProtocolError } from "./http1/error.ts";

/**
 * Returns the body's length in bytes, if it is told. Throws a
 * {@link ProtocolError} for a status outside 200 to 599, a length that is no
 * plain decimal, and a second one.
 */
export function judgeHead(
  status: number,
  headers: RawHeaders,
): number | undefined {
  if (!Number.isInteger(status) || status < 200 || status > 599)
    throw new ProtocolError(
      `the answer's status is ${status}, which is none of 200 to 599`,
    );
  let length: number | undefined;
  for (let i = 0; i < headers.length; i += 2) {
    if (headers[i]!.length !== 14 || !/^content-length$/i.test(headers[i]!))
      continue;
    const value = headers[i + 1]!;
    if (!/^\d{1,15}$/.test(value) || length !== undefined)
      throw new ProtocolError(
        `the answer has a malformed or second Content-Length ${JSON.stringify(value.slice(0, 60))}`,
      );
    length = Number(value);
  }
  return length;
}
