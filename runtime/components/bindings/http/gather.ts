/** Joins an answer's pieces. An answer here may have any length, so it is not held twice, as shared/whole-body.ts does for a moment. */
import { countSpent, free } from "../../../shared/memory/spent-bytes.ts";

/** Up to this size the pieces are kept as they came. */
const shortBytes = 256 * 1024;
/** Blocks of this size go back to the system at once when freed, and do not stay with the allocator. */
const blockBytes = 1024 * 1024;

export interface Gathered {
  add(piece: Uint8Array): void;
  /** All bytes that were added, in memory of their own. Called once. */
  take(): Uint8Array;
}

export function gather(): Gathered {
  let pieces: Uint8Array[] = [];
  const blocks: Buffer[] = [];
  /** Bytes of the last block that are written. */
  let filled = 0;
  let size = 0;

  function copy(piece: Uint8Array) {
    for (let at = 0; at < piece.length;) {
      if (blocks.length === 0 || filled === blockBytes) {
        blocks.push(Buffer.allocUnsafeSlow(blockBytes));
        filled = 0;
      }
      const part = piece.subarray(at, at + blockBytes - filled);
      blocks.at(-1)!.set(part, filled);
      filled += part.length;
      at += part.length;
    }
    countSpent(piece.length);
  }

  return {
    add(piece) {
      size += piece.length;
      if (size <= shortBytes) {
        pieces.push(piece);
        return;
      }
      for (const kept of pieces) copy(kept);
      pieces = [];
      copy(piece);
    },
    take() {
      if (size <= shortBytes)
        return pieces.length === 1 ? pieces[0]! : Buffer.concat(pieces);
      const whole = Buffer.allocUnsafeSlow(size);
      for (const [i, block] of blocks.entries()) {
        const at = i * blockBytes;
        whole.set(block.subarray(0, Math.min(blockBytes, size - at)), at);
        free(block);
      }
      return whole;
    },
  };
}
