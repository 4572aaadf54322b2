/** The whole body of a request or an answer, in one piece and within a limit. */
import type { Readable } from "node:stream";
import { GatheredBytes } from "./memory/gathered-bytes.ts";

export interface Refusal {
  /** What becomes of the rest of a longer stream; not to be destroyed where its sender is still to be answered on the same connection. */
  rest?: "destroyed" | "dropped" | "paused";
  /** What to reject with instead of the stream's error. */
  broken?(error: Error): Error;
}

/**
 * Rejects with what `tooLarge` makes when it has more than `maxBytes` (0 or less is no limit), with the stream's error, or
 * with one of its own if the stream ended early without any. A longer stream is destroyed unless `refusal` says otherwise.
 */
export function wholeBody(
  body: Readable,
  maxBytes: number,
  tooLarge: () => Error,
  refusal?: Refusal,
): Promise<Buffer>;
export function wholeBody(
  body: Uint8Array | Readable,
  maxBytes: number,
  tooLarge: () => Error,
  refusal?: Refusal,
): Promise<Uint8Array>;
export function wholeBody(
  body: Uint8Array | Readable,
  maxBytes: number,
  tooLarge: () => Error,
  refusal: Refusal = {},
): Promise<Uint8Array> {
  const most = maxBytes > 0 ? maxBytes : Infinity;
  if (!(body instanceof Uint8Array))
    return gather(body, most, tooLarge, refusal);
  return body.length > most
    ? Promise.reject(tooLarge())
    : Promise.resolve(body);
}

const gather = (
  stream: Readable,
  maxBytes: number,
  tooLarge: () => Error,
  { rest: end = "destroyed", broken = (error) => error }: Refusal,
) =>
  new Promise<Buffer>((resolve, reject) => {
    let size = 0;
    let first: Buffer | undefined;
    let rest: GatheredBytes | undefined;
    const onData = (chunk: Buffer) => {
      size += chunk.length;
      if (size > maxBytes) return refuse();
      if (!first) first = chunk;
      else {
        if (!rest) (rest = new GatheredBytes()).add(first);
        rest.add(chunk);
      }
    };
    const refuse = () => {
      stream.off("data", onData);
      first = rest = undefined;
      if (end === "destroyed") stream.destroy();
      else if (end === "paused") stream.pause();
      else stream.resume();
      reject(tooLarge());
    };
    const onEnd = () =>
      resolve(rest ? Buffer.concat(rest.take()) : (first ?? Buffer.alloc(0)));
    const fail = (error: Error) => reject(broken(error));
    const onGone = () => fail(stream.errored ?? new Error("it broke off"));
    // After its end no error is made: a stack takes microseconds of each request.
    const onClose = () => stream.readableEnded || onGone();
    // It may have failed before anybody wanted to read it.
    if (stream.destroyed) return onGone();
    stream.on("data", onData);
    stream.on("end", onEnd);
    stream.on("error", fail);
    stream.on("close", onClose);
    return undefined;
  });
