/** One who watches: what waits for him is bounded, and what does not fit is counted and told. */
import { Readable } from "node:stream";

/** Bytes that wait for a watcher who does not read. */
export const queuedBytes = 1024 * 1024;

export class Watcher {
  readonly stream: Readable;
  #missed = 0;

  constructor() {
    this.stream = new Readable({
      // Called when he reads again.
      read: () => this.#tellMissed(),
    });
  }

  take(events: readonly string[]): void {
    let text = "";
    let bytes = this.stream.readableLength;
    for (const event of events) {
      const size = Buffer.byteLength(event);
      if (bytes + size > queuedBytes) {
        this.#missed++;
        continue;
      }
      text += this.#missedText() + event;
      bytes += size;
    }
    this.#push(text);
  }

  /** A comment; it is for connections on which nothing else waits. */
  beat(): void {
    if (this.stream.readableLength === 0) this.#push(":\n\n");
  }

  end(): void {
    this.#tellMissed();
    if (!this.stream.destroyed) this.stream.push(null);
  }

  #tellMissed(): void {
    if (this.stream.readableLength < queuedBytes / 2)
      this.#push(this.#missedText());
  }

  /** It comes before the next event, in the place of those that are missing. */
  #missedText(): string {
    if (this.#missed === 0) return "";
    const event = { type: "missed", count: this.#missed };
    this.#missed = 0;
    return `data: ${JSON.stringify(event)}\n\n`;
  }

  #push(text: string): void {
    // As a text, so that each watcher's bytes are his own: they are freed once sent.
    if (text !== "" && !this.stream.destroyed) this.stream.push(text);
  }
}
