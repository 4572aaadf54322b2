/**
 * For `maxSessionMemory` of node:http2, in MB: no limit. Node 24 counts what a stream had not sent yet when it was reset for
 * ever, though its memory is free, and beyond the limit refuses each new stream of the connection. What is under way is limited
 * by the streams themselves.
 */
export const maxSessionMemory = 2 ** 31;
