/** One open page: server-sent events, with an end to what waits for a page that does not read. */
import type { ServerResponse } from "node:http";

const maxWaitingBytes = 1024 * 1024;
/** A page that is that far behind is cut off. It connects again, and begins anew. */
const maxBehindBytes = 4 * maxWaitingBytes;
/** Tells each end that the other is still there. */
const beatMs = 15_000;

export class EventStream {
  readonly #response: ServerResponse;
  readonly #beat: NodeJS.Timeout;
  #missed = 0;

  constructor(response: ServerResponse) {
    this.#response = response;
    response.writeHead(200, { "content-type": "text/event-stream" });
    // The page learns from the head that it is connected.
    response.flushHeaders();
    this.#beat = setInterval(() => response.write(":\n\n"), beatMs).unref();
    response.on("close", () => clearInterval(this.#beat));
  }

  /** `json` is one line. It is dropped, and counted, when too much waits already. */
  send(json: string): void {
    if (this.#response.writableLength > maxWaitingBytes) {
      this.#missed++;
      return;
    }
    if (this.#missed > 0) {
      this.#write(JSON.stringify({ type: "missed", count: this.#missed }));
      this.#missed = 0;
    }
    this.#write(json);
  }

  /** What the page can't do without. */
  sendAlways(json: string): void {
    if (this.#response.writableLength > maxBehindBytes)
      this.#response.destroy();
    else this.#write(json);
  }

  onClose(then: () => void): void {
    this.#response.on("close", then);
  }

  #write(json: string): void {
    this.#response.write(`data: ${json}\n\n`);
  }
}
