/** Requests passed on by undici, to addresses outside. */
import { Readable } from "node:stream";
import type { Dispatcher } from "undici";
import type { ForwardReply, ForwardRequest } from "../contracts/invocation.ts";
import { countSpent } from "../shared/memory/spent-bytes.ts";
import { judgeHead } from "./answer-head.ts";
import { explainTls } from "./no-tls.ts";

/** Sends one request. The answer's body is a stream that runs no faster than its reader. */
export function forwardOver(
  dispatcher: Dispatcher,
  origin: string,
  request: ForwardRequest,
): Promise<ForwardReply> {
  const { method, path, body, signal } = request;
  return new Promise((resolve, reject) => {
    let controller: Dispatcher.DispatchController | undefined;
    let stream: Readable | undefined;
    /** The pieces of one read, which may be very many. */
    let pieces: Buffer[] = [];
    const flush = () => {
      if (pieces.length === 0) return;
      const bytes = pieces.length === 1 ? pieces[0] : Buffer.concat(pieces);
      pieces = [];
      if (!stream!.push(bytes)) controller!.pause();
    };
    const onAbort = () => controller?.abort(signal!.reason as Error);
    const fail = (error: Error) => {
      signal?.removeEventListener("abort", onAbort);
      if (stream) stream.destroy(error);
      else reject(explainTls(origin, error));
    };
    if (body instanceof Readable) {
      body.pause(); // it flows once undici takes it
      body.on("data", (chunk: Uint8Array) => countSpent(chunk.length));
    }
    signal?.throwIfAborted();
    signal?.addEventListener("abort", onAbort);
    dispatcher.dispatch(
      {
        origin,
        method: method as Dispatcher.HttpMethod,
        path,
        headers: sendable(request),
        body: body as Buffer | Readable | undefined,
      },
      {
        onRequestStart(started) {
          controller = started;
          if (signal?.aborted) onAbort();
        },
        onResponseStart(current, status, headers) {
          if (status < 200) return;
          const raw = (current as { rawHeaders?: Buffer[] | null }).rawHeaders;
          const received = raw
            ? raw.map((text) => text.toString("latin1"))
            : flat(headers);
          judgeHead(status, received); // undici ends the connection and tells onResponseError
          stream = new Readable({
            read: () => current.resume(),
            destroy(error, done) {
              if (!current.aborted) current.abort(error ?? unwanted());
              done(error);
            },
          });
          stream.on("error", () => {}); // it may fail before its reader has come
          resolve({ status, headers: received, body: stream });
        },
        onResponseData(_, chunk) {
          countSpent(chunk.length);
          if (pieces.push(chunk) === 1) process.nextTick(flush);
        },
        onResponseEnd() {
          signal?.removeEventListener("abort", onAbort);
          flush();
          stream!.push(null);
        },
        onResponseError(_, error) {
          fail(error);
        },
      },
    );
  });
}

const unwanted = () => new Error("the answer is not wanted any more");

/** undici sets these itself. For a stream it has to be told the length. */
function sendable({ headers, body }: ForwardRequest): string[] {
  const kept: string[] = [];
  for (let i = 0; i < headers.length; i += 2) {
    const name = headers[i]!.toLowerCase();
    if (
      /^(host|connection|keep-alive|upgrade|expect|transfer-encoding)$/.test(
        name,
      )
    )
      continue;
    if (name === "content-length" && !(body instanceof Readable)) continue;
    kept.push(headers[i]!, headers[i + 1]!);
  }
  return kept;
}

const flat = (headers: Record<string, string | string[] | undefined>) =>
  Object.entries(headers).flatMap(([name, value]) =>
    [value ?? []].flat().flatMap((one) => [name, one]),
  );
