/** The messages of one call that may be compressed, unpacked one after the other. */
import { giveBack, sizeOfPacked, takeRoom, unpack } from "./unpack.ts";

export interface UnpackerOptions {
  maxBytes: number;
  onMessage(message: Buffer): void;
  onError(error: unknown): void;
  /** Nothing of the call is wanted any more. */
  isOver(): boolean;
  /** Whether messages wait, so that no more should come. */
  hold(isHeld: boolean): void;
}

export class Unpacker {
  readonly #options: UnpackerOptions;
  #last: Promise<void> = Promise.resolve();
  #waiting = 0;
  #held = 0;
  #isClosed = false;

  constructor(options: UnpackerOptions) {
    this.#options = options;
  }

  add(message: Buffer, isCompressed: boolean): void {
    if (this.#waiting++ === 0) this.#options.hold(true);
    this.#last = this.#last.then(async () => {
      const { isOver, onMessage, onError, hold } = this.#options;
      try {
        if (isOver()) return;
        const whole = isCompressed ? await this.#unpack(message) : message;
        if (!isOver()) onMessage(whole);
      } catch (error) {
        onError(error);
      } finally {
        if (--this.#waiting === 0) hold(false);
      }
    });
  }

  /** Once all messages are told. */
  end(then: () => void): void {
    this.#last = this.#last.then(then);
  }

  /** The call is over, and nobody uses its messages any more. */
  close(): void {
    this.#isClosed = true;
    this.#giveBack();
  }

  async #unpack(packed: Buffer): Promise<Buffer> {
    const size = sizeOfPacked(packed, this.#options.maxBytes);
    // The message before this one has been used.
    this.#giveBack();
    await takeRoom(size);
    if (this.#isClosed) giveBack(size);
    else this.#held = size;
    return unpack(packed, size);
  }

  #giveBack() {
    if (this.#held > 0) giveBack(this.#held);
    this.#held = 0;
  }
}
