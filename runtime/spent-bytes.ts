/** Memory of streams is given back as soon as their bytes are sent, not when a collection comes round. */

/** Smaller ones share their memory with others, or are not worth it. */
const worthwhileBytes = 4096;

/** A copy that can be freed by itself: Node would put it among others. */
export function freeableCopy(bytes: Uint8Array): Buffer {
  if (bytes.length < worthwhileBytes) return Buffer.from(bytes);
  const copy = Buffer.allocUnsafeSlow(bytes.length);
  copy.set(bytes);
  return copy;
}

/**
 * Frees a chunk of a stream that this process read, that nobody else holds and
 * that is written. V8 lets some 64 MB of such chunks pile up before it collects
 * them. The chunk is empty afterwards.
 */
export function free(chunk: Uint8Array): void {
  const { buffer, byteLength } = chunk;
  if (byteLength >= worthwhileBytes && byteLength === buffer.byteLength)
    (buffer as ArrayBuffer).transfer(0);
}
