/** A request's body in one piece, as a message of gRPC holds it. */
import { Readable } from "node:stream";
import { CallError, type ForwardRequest } from "../../contracts/invocation.ts";

/**
 * Rejects with a {@link CallError} when it is larger than `maxBytes` (0 or less is no limit), or with the body's own
 * error. The rest of one that is too large is dropped: to cut it off would cut off its caller, who is to be told.
 */
export async function wholeBody(
  body: ForwardRequest["body"],
  maxBytes: number,
): Promise<Uint8Array> {
  if (!(body instanceof Readable)) return body ?? new Uint8Array(0);
  const parts: Uint8Array[] = [];
  let size = 0;
  await new Promise<void>((resolve, reject) => {
    const onData = (part: Uint8Array) => {
      size += part.length;
      parts.push(part);
      if (maxBytes <= 0 || size <= maxBytes) return;
      body.off("data", onData).resume();
      reject(tooLarge(maxBytes));
    };
    body.on("data", onData);
    body.once("end", resolve);
    body.once("error", reject);
    body.once("close", () => reject(new Error("the body broke off")));
  });
  return Buffer.concat(parts);
}

const tooLarge = (maxBytes: number) =>
  new CallError(
    "too-large",
    `the body is larger than ${maxBytes} bytes, which an app over gRPC gets at most (--max-body-size)`,
  );
