/** Bodies as they come in: one may come in a million pieces of a byte, and each that is held costs some 400 bytes more. */
import { freeableCopy } from "./spent-bytes.ts";

const smallBytes = 1024;
const scratchBytes = 16 * 1024;

/** Keeps pieces in their order. Small ones that follow each other are copied together, all others are as they came. */
export class GatheredBytes {
  #pieces: Uint8Array[] = [];
  /** A small piece behind those, while no second one has come. */
  #lone: Uint8Array | undefined;
  #scratch: Buffer | undefined;
  #filled = 0;

  add(piece: Uint8Array): void {
    if (piece.length >= smallBytes) {
      this.#settle();
      this.#pieces.push(piece);
    } else if (this.#filled === 0 && !this.#lone) this.#lone = piece;
    else {
      if (this.#filled + piece.length > scratchBytes) this.#settle();
      const lone = this.#lone;
      this.#lone = undefined;
      if (lone) this.#copy(lone);
      this.#copy(piece);
    }
  }

  /** What came since the last time. */
  take(): Uint8Array[] {
    this.#settle();
    const pieces = this.#pieces;
    this.#pieces = [];
    return pieces;
  }

  #copy(piece: Uint8Array) {
    this.#scratch ??= Buffer.allocUnsafeSlow(scratchBytes);
    this.#scratch.set(piece, this.#filled);
    this.#filled += piece.length;
  }

  #settle() {
    if (this.#lone) this.#pieces.push(this.#lone);
    else if (this.#filled > 0)
      this.#pieces.push(freeableCopy(this.#scratch!.subarray(0, this.#filled)));
    this.#lone = undefined;
    this.#filled = 0;
  }
}
