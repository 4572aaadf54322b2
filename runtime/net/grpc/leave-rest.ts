import { constants, type ServerHttp2Stream } from "node:http2";
import { startTimer } from "../../shared/timers.ts";

/** For the rest of a request that nobody reads any more. */
const restMs = 5000;

/** An answered caller may send on all the same: that is dropped, and not for ever. */
export function leaveRest(stream: ServerHttp2Stream): void {
  if (stream.readableEnded || stream.closed) return;
  stream.resume();
  const close = () => stream.close(constants.NGHTTP2_NO_ERROR);
  // A stream that is being closed can't be reset, should the caller not take its answer either.
  const timer = startTimer(() => {
    if (stream.writableFinished) close();
    else stream.once("finish", close);
  }, restMs).unref();
  stream.once("close", () => clearTimeout(timer));
}
