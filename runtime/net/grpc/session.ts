/** What both ends of a connection are opened with. */

/** What one stream may send before it is read. */
const windowBytes = 256 * 1024;
/** What all streams of a connection may. */
export const connectionWindowBytes = 4 * windowBytes;

export const sessionOptions = {
  /** In MB: what is under way is limited by the streams themselves. */
  maxSessionMemory: 1024,
  settings: { enablePush: false, initialWindowSize: windowBytes },
};
