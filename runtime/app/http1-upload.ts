/** Sends a body as it comes, no faster than the app reads it. */
import type { Socket } from "node:net";
import type { Readable } from "node:stream";
import { CallError } from "../invocation.ts";
import type { Framing } from "./http1-request.ts";

export interface Upload {
  /** Whether all of the body was handed to the connection. */
  isDone(): boolean;
  /** Takes nothing more from the body. */
  stop(): void;
}

/** `onFailed` is called when the body breaks off, or is not as long as was said. */
export function upload(
  body: Readable,
  socket: Socket,
  framing: Framing,
  onFailed: (error: Error) => void,
): Upload {
  let left = typeof framing === "number" ? framing : Infinity;
  let isDone = false;
  const wrongLength = () =>
    onFailed(
      new CallError("invalid", "the body is not as long as its Content-Length"),
    );
  const onData = (chunk: Uint8Array) => {
    if (chunk.length === 0) return;
    left -= chunk.length;
    if (left < 0) return wrongLength();
    if (framing === "chunked") {
      socket.cork();
      socket.write(`${chunk.length.toString(16)}\r\n`, "latin1");
      socket.write(chunk);
      socket.write("\r\n", "latin1");
      process.nextTick(uncork);
    } else socket.write(chunk);
    if (socket.writableNeedDrain) body.pause();
  };
  const uncork = () => socket.uncork();
  const onDrain = () => body.resume();
  const onEnd = () => {
    if (left > 0 && left !== Infinity) return wrongLength();
    isDone = true;
    if (framing === "chunked") socket.write("0\r\n\r\n", "latin1");
  };
  const onClose = () => {
    if (!isDone) onFailed(new Error("the body of the request broke off"));
  };
  body.on("data", onData);
  body.on("end", onEnd);
  body.on("error", onFailed);
  body.on("close", onClose);
  socket.on("drain", onDrain);
  return {
    isDone: () => isDone,
    stop() {
      body.off("data", onData);
      body.off("end", onEnd);
      body.off("close", onClose);
      // A body that fails once its answer is there concerns nobody any more.
      if (!isDone) body.pause();
      socket.off("drain", onDrain);
    },
  };
}
