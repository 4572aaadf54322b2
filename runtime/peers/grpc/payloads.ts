/** Bodies in numbered pieces, as CallLocalStream carries them in both directions. */
import { Readable } from "node:stream";
import { countSpent, free } from "../../shared/memory/spent-bytes.ts";
import type { Payload } from "./messages.ts";
import { startTimer } from "../../shared/timers.ts";

/** The most bytes of a piece: far below any message limit, and enough to be worth a message. */
const pieceBytes = 64 * 1024;
const heldBytes = 64 * 1024;
/** The most bytes of pieces that are not written yet. More of them would live too long for the garbage collector's young generation. */
const underWayBytes = 128 * 1024;
/**
 * For a body whose reader reads nothing before it has sent all of its own, as the original does. Without these
 * limits an app that answers while it reads would wait for ever.
 */
const knotTimes: KnotTimes = {
  afterMs: 250,
  heldBytes: 64 * 1024 * 1024,
  giveUpMs: 30_000,
};
/** How often each byte is in memory in the library and below: in the message, in its frame, and in the connection's buffer. */
const copies = 3;

/** The stream of messages by which a body arrives or leaves. */
export interface Messages {
  pause(): unknown;
  resume(): unknown;
}

/** A body as its pieces come. A gap in their numbers ends it. If its reader gives it up, it calls `onGone`. */
export class PayloadBody extends Readable {
  readonly #messages: Messages;
  readonly #onGone: () => void;
  #next = 0;

  constructor(messages: Messages, onGone: () => void) {
    super({ highWaterMark: heldBytes });
    this.#messages = messages;
    this.#onGone = onGone;
    // It may fail even if nobody reads it.
    this.on("error", () => {});
  }

  add({ data, seq }: Payload): void {
    if (this.destroyed) return;
    if (seq !== this.#next)
      return void this.destroy(
        new Error(
          `invalid sequence number received: ${seq} (expected: ${this.#next})`,
        ),
      );
    this.#next++;
    countSpent(copies * data.length);
    if (data.length > 0 && !this.push(data)) this.#messages.pause();
  }

  /** Whether what has come still waits to be read. */
  get isWaiting(): boolean {
    return !this.destroyed && this.readableLength >= heldBytes;
  }

  override _read() {
    this.#messages.resume();
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void) {
    if (!this.readableEnded) this.#onGone();
    done(error);
  }
}

/** Takes pieces one after the other. */
export interface PieceSink {
  /** `done` is called once the piece is written, or never will be. */
  write(payload: Payload, done?: () => void): void;
  end(): void;
  /** Called when the body broke off. */
  fail(error: Error): void;
  knot?: {
    /** Whether the other direction is stalled as well. */
    isTied(): boolean;
    /** Called when more waits than may be held. */
    cut(): void;
  };
}

/** What to do when both directions wait for each other. */
export interface KnotTimes {
  /** Counts after so long without a piece being taken. */
  afterMs: number;
  /** From then on so many bytes are held. */
  heldBytes: number;
  /** After so much more time the body is given up. */
  giveUpMs: number;
}

/** Sends a body in pieces; a stream no faster than they are taken. Returns how to stop. */
export function sendBody(
  body: Uint8Array | Readable | undefined,
  sink: PieceSink,
  { afterMs, heldBytes: heldAtMost, giveUpMs }: KnotTimes = knotTimes,
): () => void {
  let seq = 0;
  /** `done` is passed with the last piece. */
  const send = (bytes: Uint8Array, done?: () => void) => {
    for (let at = 0; at < bytes.length; at += pieceBytes) {
      const data = bytes.subarray(at, at + pieceBytes);
      const isLast = at + pieceBytes >= bytes.length;
      sink.write({ data, seq: seq++ }, isLast ? done : undefined);
    }
  };
  if (!(body instanceof Readable)) {
    if (body) send(body);
    sink.end();
    return () => {};
  }
  let isOver = false;
  let underWay = 0;
  let allowed = underWayBytes;
  let stuck: NodeJS.Timeout | undefined;
  const wait = () => {
    body.pause();
    if (sink.knot)
      stuck ??= startTimer(
        whenStuck,
        allowed < heldAtMost ? afterMs : giveUpMs,
      ).unref();
  };
  const whenStuck = () => {
    stuck = undefined;
    if (isOver || underWay < allowed) return;
    if (!sink.knot!.isTied()) return wait();
    if (allowed === heldAtMost)
      return over(() => {
        body.destroy();
        sink.knot!.cut();
      });
    allowed = heldAtMost;
    body.resume();
  };
  body.on("data", (chunk: Uint8Array) => {
    const { length } = chunk;
    if (isOver || length === 0) return;
    underWay += length;
    if (underWay >= allowed) wait();
    send(chunk, () => {
      underWay -= length;
      free(chunk);
      countSpent(copies * length);
      clearTimeout(stuck);
      stuck = undefined;
      if (underWay < underWayBytes) allowed = underWayBytes;
      if (isOver) return;
      if (underWay < allowed) body.resume();
      else wait();
    });
  });
  const over = (finish: () => void) => {
    if (isOver) return;
    isOver = true;
    clearTimeout(stuck);
    finish();
  };
  body.on("end", () => over(() => sink.end()));
  body.on("error", (error) => over(() => sink.fail(error)));
  body.on("close", () =>
    over(() => sink.fail(new Error("the body broke off"))),
  );
  return () => over(() => body.pause());
}
