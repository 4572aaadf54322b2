/** One request over HTTP/2 and its answer. It knows an answer that ended well from one that was reset. */
import {
  constants,
  type ClientHttp2Session,
  type ClientHttp2Stream,
  type IncomingHttpHeaders,
  type OutgoingHttpHeaders,
} from "node:http2";
import { Readable } from "node:stream";
import {
  CallError,
  type ForwardReply,
  type ForwardRequest,
} from "../../contracts/invocation.ts";
import { countSpent } from "../../shared/memory/spent-bytes.ts";
import { judgeHead } from "../answer-head.ts";

/** `onReset` is called if it is called off, `onDone` once nothing of it is under way. */
export function exchange(
  session: ClientHttp2Session,
  { method, body, signal }: ForwardRequest,
  headers: OutgoingHttpHeaders,
  onReset: () => void,
  onDone: () => void,
): Promise<ForwardReply> {
  return new Promise((resolve, reject) => {
    let answer: Readable | undefined;
    let isOver = false;
    let isWhole = false;
    let length: number | undefined;
    let received = 0;
    let stream: ClientHttp2Stream;
    // What `close` would do while a body is sent: see ClientCall in net/grpc/call.ts.
    const cut = body instanceof Readable ? new AbortController() : undefined;
    try {
      signal?.throwIfAborted();
      stream = session.request(headers, {
        endStream: body === undefined,
        ...(cut && { signal: cut.signal }),
      });
    } catch (error) {
      onDone();
      return reject(error as Error);
    }

    const over = (error?: Error) => {
      if (isOver) return;
      isOver = true;
      signal?.removeEventListener("abort", onAbort);
      stopSending?.();
      if (error && !stream.closed) onReset();
      if (error && cut && !stream.writableFinished) cut.abort();
      else if (error) stream.close(constants.NGHTTP2_CANCEL);
      if (!error) answer!.push(null);
      else if (answer) answer.destroy(error);
      else if (stream.rstCode === constants.NGHTTP2_REFUSED_STREAM)
        reject(refused(error));
      else reject(error);
    };
    const onAbort = () => over(signal!.reason as Error);
    signal?.addEventListener("abort", onAbort);

    // After a reset, the end is reported when the stream is closed already.
    const push = stream.push.bind(stream);
    stream.push = (chunk: unknown, encoding?: BufferEncoding) => {
      if (chunk === null) isWhole = !stream.closed;
      return push(chunk, encoding);
    };
    stream.on(
      "response",
      (head: IncomingHttpHeaders & { ":status"?: number }, _, ...more) => {
        const raw = rawOf(more[0]);
        try {
          length = judgeHead(head[":status"]!, raw);
        } catch (error) {
          return over(error as Error);
        }
        const status = head[":status"]!;
        if (method === "HEAD" || status === 204 || status === 304)
          length = undefined;
        answer = new Readable({
          read: () => void stream.resume(),
          destroy(error, done) {
            over(error ?? new Error("the answer is not wanted any more"));
            done(error);
          },
        });
        answer.on("error", () => {}); // it may fail before its reader has come
        resolve({ status, headers: raw, body: answer });
      },
    );
    stream.on("data", (chunk: Buffer) => {
      received += chunk.length;
      countSpent(chunk.length);
      if (!isOver && !answer?.push(chunk)) stream.pause();
    });
    stream.on("end", () => {
      if (!isWhole) over(new Error("the app reset its answer"));
      else if (!answer) over(new Error("the app's answer has no head"));
      else if (length !== undefined && received !== length)
        over(new Error("the answer is not as long as its Content-Length"));
      else over();
    });
    stream.on("error", over);
    stream.on("close", () => {
      over(new Error("the app broke its answer off"));
      onDone();
    });
    const stopSending = send(stream, body, headers, over);
  });
}

const refused = (cause: Error) =>
  new CallError(
    "unavailable",
    "the app refused the request before it looked at it",
    { cause, unsent: true },
  );

/** The list that node:http2 gives behind the flags: names and values in turn, as they came. */
function rawOf(list: unknown): string[] {
  const raw: string[] = [];
  const all = list as string[];
  for (let i = 0; i < all.length; i += 2)
    if (!all[i]!.startsWith(":")) raw.push(all[i]!, all[i + 1]!);
  return raw;
}

/** Sends the body no faster than the app takes it. Returns how to stop it. */
function send(
  stream: ClientHttp2Stream,
  body: ForwardRequest["body"],
  headers: OutgoingHttpHeaders,
  onFailed: (error: Error) => void,
): (() => void) | undefined {
  if (body === undefined) return undefined;
  if (!(body instanceof Readable)) {
    stream.end(body);
    return undefined;
  }
  let left = Number(headers["content-length"] ?? NaN);
  let hasEnded = false;
  const wrongLength = () =>
    onFailed(
      new CallError("invalid", "the body is not as long as its Content-Length"),
    );
  const onData = (chunk: Uint8Array) => {
    left -= chunk.length;
    if (left < 0) return wrongLength();
    countSpent(chunk.length);
    if (!stream.write(chunk)) body.pause();
  };
  const onDrain = () => body.resume();
  const onEnd = () => {
    if (left > 0) return wrongLength();
    hasEnded = true;
    stream.end();
  };
  const onClose = () => {
    if (!hasEnded) onFailed(new Error("the body of the request broke off"));
  };
  if (body.destroyed) process.nextTick(onClose);
  body.on("data", onData);
  body.on("end", onEnd);
  body.on("error", onFailed);
  body.on("close", onClose);
  stream.on("drain", onDrain);
  return () => {
    body.off("data", onData);
    body.off("end", onEnd);
    body.off("close", onClose);
    stream.off("drain", onDrain);
    if (!hasEnded) body.pause();
  };
}
