/**
 * Cuts answers that their caller does not take: it reads nothing, or never opens its window, and would keep them in memory for ever.
 * Cuts calls too that were reset without an error: Node keeps their streams until the rest of the request is read, which nobody does.
 */
import {
  constants,
  type Http2Session,
  type ServerHttp2Stream,
} from "node:http2";
import { startInterval } from "../../shared/timers.ts";

export interface StuckTimes {
  /** Between two looks. */
  everyMs: number;
  /** For an answer of no length. */
  leastMs: number;
  /** Node tells only when all of a piece is taken: a large one gets more time. */
  bytesPerMs: number;
  /** Where the answers of one connection are larger together, one look without progress is enough. */
  mostBytes: number;
}

const usualTimes: StuckTimes = {
  everyMs: 10_000,
  leastMs: 60_000,
  bytesPerMs: 16,
  mostBytes: 64 * 1024 * 1024,
};

/** Looks at the streams until the session ends. */
export function cutStuck(
  session: Http2Session,
  streams: ReadonlySet<ServerHttp2Stream>,
  times: Partial<StuckTimes> = {},
): void {
  const { everyMs, leastMs, bytesPerMs, mostBytes } = {
    ...usualTimes,
    ...times,
  };
  /** What waited at the last looks, and since when it is that much. */
  const seen = new WeakMap<ServerHttp2Stream, { bytes: number; at: number }>();
  const closed = new WeakSet<ServerHttp2Stream>();
  const timer = startInterval(() => {
    const now = performance.now();
    let held = 0;
    for (const stream of streams) held += stream.bufferSize;
    for (const stream of streams) {
      if (stream.closed) {
        if (closed.has(stream)) stream.destroy();
        closed.add(stream);
        continue;
      }
      const bytes = stream.bufferSize;
      const before = seen.get(stream);
      if (bytes === 0 || before?.bytes !== bytes) {
        if (bytes > 0 || before) seen.set(stream, { bytes, at: now });
        continue;
      }
      const allowed = held > mostBytes ? 0 : leastMs + bytes / bytesPerMs;
      // Its status would have to wait behind all that is not taken.
      if (bytes > 0 && now - before.at >= allowed)
        stream.close(constants.NGHTTP2_ENHANCE_YOUR_CALM);
    }
  }, everyMs).unref();
  session.once("close", () => clearInterval(timer));
}
