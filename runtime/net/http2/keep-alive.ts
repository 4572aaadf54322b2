/** Finds out whether anybody is at the other end of a connection, and ends one that nobody uses. */
import {
  constants,
  type Http2Session,
  type ServerHttp2Session,
} from "node:http2";
import type { Duplex } from "node:stream";
import { startInterval, startTimer } from "../../shared/timers.ts";

export interface KeepAlive {
  /** Between two looks at the connection, and so between two pings, in ms. The original's sidecars take less than 8 s for an attack. */
  everyMs: number;
  /** For the answer. */
  answerMs: number;
  /** A connection without a call is closed after that long. */
  idleMs: number;
  /** Whether the other end is pinged at all. */
  pings: boolean;
}

/** As the original's sidecars do it. */
const usualKeepAlive: KeepAlive = {
  everyMs: 10_000,
  answerMs: 5000,
  idleMs: 180_000,
  pings: true,
};

/** Pings while `isBusy`; an idle connection is left in peace until its time is over. Ends with the session. */
export function keepAlive(
  session: Http2Session,
  socket: Duplex,
  isBusy: () => boolean,
  times: Partial<KeepAlive> = {},
): void {
  const { everyMs, answerMs, idleMs, pings } = { ...usualKeepAlive, ...times };
  let idleSince: number | undefined;
  let late: NodeJS.Timeout | undefined;
  const awaitAnswer = (what: string) => {
    late ??= startTimer(
      () => socket.destroy(new Error(`no answer to a ${what}`)),
      answerMs,
    ).unref();
  };
  const ping = () => {
    awaitAnswer("ping");
    session.ping((error) => {
      // Where nothing is written any more Node calls it off at once: that is no answer.
      if (error) return;
      clearTimeout(late);
      late = undefined;
    });
  };
  const timer = startInterval(() => {
    if (session.destroyed) return;
    if (isBusy()) {
      idleSince = undefined;
      if (pings) ping();
      return;
    }
    // Node waits for the other side to close its own.
    if (session.closed) return awaitAnswer("goodbye");
    idleSince ??= performance.now();
    if (performance.now() - idleSince < idleMs) return;
    session.close();
    awaitAnswer("goodbye");
  }, everyMs).unref();
  session.once("close", () => {
    clearInterval(timer);
    clearTimeout(late);
  });
}

/** Pings that come sooner after each other are one too many. */
const pingMs = 8000;
/** So many are let pass between two answers, as a caller may measure the way with them. */
const freePings = 2;

/**
 * Ends a connection whose other end pings too often, as the original does (gRPC's A8,
 * github.com/grpc/proposal/blob/master/A8-client-side-keepalive.md). Returns what is to be called whenever something was sent.
 */
export function refusePings(session: ServerHttp2Session): () => void {
  let strikes = 0;
  let last = -Infinity;
  let hasSent = false;
  session.on("ping", () => {
    const now = performance.now();
    if (hasSent) strikes = 0;
    else if (now - last < pingMs) strikes++;
    hasSent = false;
    last = now;
    if (strikes <= freePings || session.destroyed) return;
    session.goaway(
      constants.NGHTTP2_ENHANCE_YOUR_CALM,
      0,
      Buffer.from("too_many_pings"),
    );
    // Once the goodbye is out.
    setImmediate(() => session.destroy());
  });
  return () => (hasSent = true);
}
