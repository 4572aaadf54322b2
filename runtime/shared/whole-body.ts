/** A body in one piece. */
import { Readable } from "node:stream";

/** Rejects with what `tooLarge` makes when it has more than `maxBytes`; 0 or less is no limit. */
export async function wholeBody(
  body: Uint8Array | Readable,
  maxBytes: number,
  tooLarge: () => Error,
): Promise<Uint8Array> {
  const most = maxBytes > 0 ? maxBytes : Infinity;
  if (!(body instanceof Readable)) {
    if (body.length > most) throw tooLarge();
    return body;
  }
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of body as AsyncIterable<Uint8Array>) {
    size += chunk.length;
    if (size > most) throw tooLarge();
    chunks.push(chunk);
  }
  return chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks);
}
