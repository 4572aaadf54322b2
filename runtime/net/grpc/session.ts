/** What both ends of a connection are opened with. */
import { sessionLimits } from "../session-limits.ts";

/** What one stream may send before it is read. */
const windowBytes = 256 * 1024;
/** What all streams of a connection may. */
export const connectionWindowBytes = 4 * windowBytes;

/** Of the metadata of an answer. Much more, and Node ends the connection with all its calls (nghttp2 takes eight CONTINUATION frames). */
export const answerMetadataBytes = 128 * 1024;

export const sessionOptions = {
  /** Compressed, with what HTTP/2 adds. */
  maxSendHeaderBlockLength: answerMetadataBytes,
  ...sessionLimits,
  settings: { enablePush: false, initialWindowSize: windowBytes },
};
