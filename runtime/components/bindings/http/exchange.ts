/** One request and its answer over a pool of connections, the answer cut at a size. */
import type { Dispatcher } from "undici";
import { gather } from "./gather.ts";
import { startTimer } from "../../../shared/timers.ts";

export interface Exchange {
  method: Dispatcher.HttpMethod;
  path: string;
  headers: Record<string, string>;
  body: Uint8Array | undefined;
  /** For the whole exchange; undefined is no limit. */
  timeoutMs: number | undefined;
  /** Ends it: nobody waits for the answer any more. */
  signal: AbortSignal | undefined;
  /** The rest of a longer answer is not read; 0 or less is no limit. */
  maxBytes: number;
}

export interface Answer {
  status: number;
  statusText: string;
  headers: Record<string, string | string[] | undefined>;
  /** The reader owns its memory. */
  body: Uint8Array;
}

/** Rejects if there is no complete answer in time, or with the reason of the signal. */
export function exchange(
  pool: Dispatcher,
  { method, path, headers, body, timeoutMs, signal, maxBytes }: Exchange,
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    let sending: Dispatcher.DispatchController | undefined;
    let stopped: Error | undefined;
    const stop = (error: Error) => {
      stopped = error;
      over();
      reject(error); // also while it still connects
      sending?.abort(error);
    };
    const left = () => stop(signal!.reason as Error);
    const late = () => stop(new Error(`no answer within ${timeoutMs} ms`));
    const timer =
      timeoutMs !== undefined && timeoutMs > 0
        ? startTimer(late, timeoutMs)
        : undefined;
    const over = () => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", left);
    };
    if (signal?.aborted) return left();
    signal?.addEventListener("abort", left);
    let size = 0;
    const gathered = gather();
    const answer: Answer = {
      status: 0,
      statusText: "",
      headers: {},
      body: new Uint8Array(0),
    };
    const done = () => {
      over();
      answer.body = gathered.take();
      resolve(answer);
    };
    pool.dispatch(
      { method, path, headers, body: body as Buffer | undefined },
      {
        onRequestStart(controller) {
          sending = controller;
          if (stopped) controller.abort(stopped);
        },
        onResponseStart(_controller, status, received, statusText) {
          Object.assign(answer, { status, headers: received, statusText });
        },
        onResponseData(controller, chunk) {
          size += chunk.length;
          if (maxBytes <= 0 || size < maxBytes) {
            gathered.add(chunk);
            return;
          }
          gathered.add(chunk.subarray(0, chunk.length - (size - maxBytes)));
          done();
          controller.abort(new Error("the rest is not wanted"));
        },
        onResponseEnd: done,
        onResponseError(_controller, error) {
          over();
          reject(error);
        },
      },
    );
  });
}
