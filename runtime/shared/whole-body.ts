/** A body in one piece. */
import { Readable } from "node:stream";

/**
 * Rejects with what `tooLarge` makes when it has more than `maxBytes`; 0 or less is no limit. Then the stream is destroyed,
 * or the rest of it dropped, where who sends it is still to be answered.
 */
export async function wholeBody(
  body: Uint8Array | Readable,
  maxBytes: number,
  tooLarge: () => Error,
  rest: "destroyed" | "dropped" = "destroyed",
): Promise<Uint8Array> {
  const most = maxBytes > 0 ? maxBytes : Infinity;
  if (!(body instanceof Readable)) {
    if (body.length > most) throw tooLarge();
    return body;
  }
  const chunks: Uint8Array[] = [];
  let size = 0;
  const destroyOnReturn = rest === "destroyed";
  for await (const chunk of body.iterator({ destroyOnReturn })) {
    size += (chunk as Uint8Array).length;
    chunks.push(chunk as Uint8Array);
    if (size > most) break;
  }
  if (size > most) {
    // Not before the loop has let go of it.
    if (rest === "dropped") body.resume();
    throw tooLarge();
  }
  return chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks);
}
