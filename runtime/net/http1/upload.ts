/** Sends a body as it comes, no faster than the app reads it. */
import type { Socket } from "node:net";
import type { Readable } from "node:stream";
import { CallError } from "../../contracts/invocation.ts";
import { GatheredBytes } from "../../shared/memory/gathered-bytes.ts";
import { free } from "../../shared/memory/spent-bytes.ts";
import type { Framing } from "./request.ts";

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
  const gathered = new GatheredBytes();
  let scheduled: NodeJS.Immediate | undefined;
  let hasEnded = false;
  let isDone = false;

  const wrongLength = () =>
    onFailed(
      new CallError("invalid", "the body is not as long as its Content-Length"),
    );
  const onData = (piece: Uint8Array) => {
    if (piece.length === 0) return;
    left -= piece.length;
    if (left < 0) return wrongLength();
    gathered.add(piece);
    schedule();
  };
  const onEnd = () => {
    if (left > 0 && left !== Infinity) return wrongLength();
    hasEnded = true;
    schedule();
  };
  /**
   * Writes after what came in meanwhile was read. If the app refused the body and
   * closed, the write fails, and its answer must have been read before.
   */
  const schedule = () => (scheduled ??= setImmediate(write));
  const write = () => {
    scheduled = undefined;
    socket.cork();
    for (const piece of gathered.take()) {
      if (framing === "chunked")
        socket.write(`${piece.length.toString(16)}\r\n`, "latin1");
      socket.write(piece, () => free(piece));
      if (framing === "chunked") socket.write("\r\n", "latin1");
    }
    if (hasEnded) {
      isDone = true;
      if (framing === "chunked") socket.write("0\r\n\r\n", "latin1");
    }
    socket.uncork();
    if (socket.writableNeedDrain) body.pause();
  };
  const onDrain = () => body.resume();
  const onClose = () => {
    if (!hasEnded) onFailed(new Error("the body of the request broke off"));
  };
  if (body.destroyed) process.nextTick(onClose);
  body.on("data", onData);
  body.on("end", onEnd);
  body.on("error", onFailed);
  body.on("close", onClose);
  socket.on("drain", onDrain);
  return {
    isDone: () => isDone,
    stop() {
      clearImmediate(scheduled);
      body.off("data", onData);
      body.off("end", onEnd);
      body.off("close", onClose);
      socket.off("drain", onDrain);
      // If the body fails after its answer came, nobody cares; the listener stays, so that the error is handled.
      if (!isDone) body.pause();
    },
  };
}
