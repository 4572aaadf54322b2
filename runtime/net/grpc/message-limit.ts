/** Looks at the lengths of messages that pass in pieces. It holds none of them. */
import { GrpcError, grpcCode } from "./status.ts";

const headBytes = 5;

export class MessageLimit {
  readonly #maxBytes: number;
  /** Of a message's head, how many bytes have passed. */
  #seen = 0;
  /** The length, as far as it has passed. */
  #size = 0;
  /** Of the message, how many bytes are still to come. */
  #left = 0;

  /** 0 or less is no limit. */
  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes > 0 ? maxBytes : Infinity;
  }

  /** The stream may not end here. */
  get isWithinMessage(): boolean {
    return this.#left > 0 || this.#seen > 0;
  }

  /** Throws a {@link GrpcError} for a message that is too large. */
  pass(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length;) {
      if (this.#left > 0) {
        const size = Math.min(this.#left, bytes.length - at);
        this.#left -= size;
        at += size;
        continue;
      }
      if (this.#seen > 0) this.#size = this.#size * 256 + bytes[at]!;
      at++;
      if (++this.#seen < headBytes) continue;
      if (this.#size > this.#maxBytes)
        throw new GrpcError(
          grpcCode.resourceExhausted,
          `a message is larger than allowed (${this.#size} of ${this.#maxBytes} bytes)`,
        );
      this.#left = this.#size;
      this.#seen = this.#size = 0;
    }
  }
}
