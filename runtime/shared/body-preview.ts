/** The beginning of a body, copied as it passes, so that it can be shown. */
import { isUtf8 } from "node:buffer";
import type { Readable } from "node:stream";
import type { Body } from "./watch-event.ts";

/** More of a body is never copied. */
export const previewBytes = 4096;

/** A body that passes in pieces. */
export class PassingBody {
  bytes = 0;
  readonly #kept: Buffer[] = [];

  /** Copies no more than is shown: whoever sends the piece may free it. */
  add(piece: Uint8Array): void {
    const room = previewBytes - this.bytes;
    this.bytes += piece.length;
    if (room > 0) this.#kept.push(Buffer.from(piece.subarray(0, room)));
  }

  preview(contentType: string): Body {
    const kept =
      this.#kept.length === 1 ? this.#kept[0]! : Buffer.concat(this.#kept);
    const isCut = this.bytes > kept.length;
    return { contentType, bytes: this.bytes, ...shown(kept, isCut), isCut };
  }
}

/** Looks at what passes through a stream, at whatever pace its reader takes it. */
export function lookAt(stream: Readable): PassingBody {
  const body = new PassingBody();
  // A listener that is added by `on` would start the stream before its reader is there.
  stream.prependListener("data", (piece: Uint8Array) => body.add(piece));
  return body;
}

export const previewOf = (
  body: Uint8Array | string,
  contentType: string,
): Body => copyOf(body).preview(contentType);

/** For a preview that is made later. */
export function copyOf(body: Uint8Array | string): PassingBody {
  const passing = new PassingBody();
  if (typeof body !== "string") passing.add(body);
  else {
    // No more of a long text is made bytes than is shown.
    passing.add(Buffer.from(body.slice(0, previewBytes)));
    passing.bytes = Buffer.byteLength(body);
  }
  return passing;
}

export const hiddenBody = (
  bytes: number,
  contentType: string,
  why: string,
): Body => ({ contentType, bytes, isCut: bytes > 0, hidden: why });

function shown(kept: Buffer, isCut: boolean) {
  const text = isCut ? textOfCut(kept) : isUtf8(kept) ? kept.toString() : "\0";
  // eslint-disable-next-line no-control-regex
  return /[\0-\x08\x0e-\x1f]/.test(text)
    ? { base64: kept.toString("base64") }
    : { text };
}

/** A character that is cut is left out; a NUL stands for what is no UTF-8. */
function textOfCut(kept: Buffer): string {
  try {
    const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
    return decoder.decode(kept, { stream: true });
  } catch {
    return "\0";
  }
}
