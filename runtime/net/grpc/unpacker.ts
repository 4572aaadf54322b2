/** The messages of one call that may be compressed, unpacked one after the other. */
import { Room } from "./room.ts";
import { GrpcError, grpcCode } from "./status.ts";
import { countPacked, sizeOfPacked, unpack } from "./unpack.ts";

/** A message up to this size takes no room, and never waits for any. */
const smallBytes = 64 * 1024;
/** Of the larger ones of all calls. What came packed in few bytes must not fill the memory. */
const roomBytes = 64 * 1024 * 1024;
const maxWaitMs = 60_000;

const sharedRoom = new Room({
  bytes: roomBytes,
  maxWaitMs,
  onMaxWait: () =>
    new GrpcError(
      grpcCode.resourceExhausted,
      `there was no room within ${maxWaitMs / 1000} s to unpack a message: all calls together have ${roomBytes} bytes for compressed messages of more than ${smallBytes} bytes, until these calls are answered; call again later, with smaller messages or without compression`,
    ),
});

/** Made once: an abort without a reason would make one with a stack each time. */
const callOver = new Error("the call is over");

export interface UnpackerOptions {
  maxBytes: number;
  /** Who takes turns with others when room is short: the connection. */
  owner: object;
  /** Where it returns a promise, the message is in use until that settles; it must not reject. */
  onMessage(message: Buffer): unknown;
  onError(error: unknown): void;
  /** Whether messages wait, so that no more should come. */
  hold(isHeld: boolean): void;
  room?: Room;
}

export class Unpacker {
  readonly #options: UnpackerOptions;
  readonly #room: Room;
  readonly #closed = new AbortController();
  #last: Promise<void> = Promise.resolve();
  #waiting = 0;

  constructor(options: UnpackerOptions) {
    this.#options = options;
    this.#room = options.room ?? sharedRoom;
  }

  add(message: Buffer, isCompressed: boolean): void {
    if (this.#waiting++ === 0) this.#options.hold(true);
    this.#last = this.#last.then(async () => {
      const { onError, hold } = this.#options;
      try {
        if (isCompressed) await this.#unpack(message);
        else this.#tell(message);
      } catch (error) {
        if (!this.#isClosed) onError(error);
      } finally {
        if (--this.#waiting === 0) hold(false);
      }
    });
  }

  /** Once all messages are told. */
  end(then: () => void): void {
    this.#last = this.#last.then(then);
  }

  /** Nothing of the call is wanted any more: no message is told, and none waits. */
  close(): void {
    this.#closed.abort(callOver);
  }

  get #isClosed(): boolean {
    return this.#closed.signal.aborted;
  }

  #tell(message: Buffer): unknown {
    return this.#isClosed ? undefined : this.#options.onMessage(message);
  }

  async #unpack(packed: Buffer): Promise<void> {
    if (this.#isClosed) return;
    const { maxBytes } = this.#options;
    if (await this.#unpackTo(sizeOfPacked(packed, maxBytes), packed)) return;
    // It has several members, or lies.
    const size = await countPacked(packed, maxBytes);
    if (!(await this.#unpackTo(size, packed)))
      throw new Error("gzip has another size the second time");
  }

  /** False when it has more bytes. */
  async #unpackTo(size: number, packed: Buffer): Promise<boolean> {
    if (size <= smallBytes) {
      const message = await unpack(packed, size);
      if (message) this.#tell(message);
      return message !== undefined;
    }
    const { owner } = this.#options;
    await this.#room.take(owner, size, this.#closed.signal);
    let used: unknown;
    try {
      const message = await unpack(packed, size);
      if (message) used = this.#tell(message);
      return message !== undefined;
    } finally {
      const giveBack = () => this.#room.giveBack(owner, size);
      Promise.resolve(used).then(giveBack, giveBack);
    }
  }
}
