/** What sessions of node:http2 are opened with. */

export const sessionLimits = {
  /**
   * In MB: no limit. Node 24 counts what a stream had not sent yet when it was reset for ever, though its memory is free, and beyond
   * the limit refuses each new stream of the connection. What is under way is limited by the streams themselves.
   */
  maxSessionMemory: 2 ** 31,
};

export const serverLimits = {
  ...sessionLimits,
  /**
   * Streams that a client may reset: so many at once, and so many a second. Beyond it nghttp2 says goodbye to the connection, with all
   * its calls. By default that is 1,000 and 33, which the callers of one busy app that share a connection reach by their time limits alone.
   */
  streamResetBurst: 10_000,
  streamResetRate: 10_000,
};
