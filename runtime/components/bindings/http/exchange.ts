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

/** Rejects if there is no complete answer in time. */
export function exchange(
  pool: Dispatcher,
  { method, path, headers, body, timeoutMs, maxBytes }: Exchange,
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    let sending: Dispatcher.DispatchController | undefined;
    const late = () => {
      const error = new Error(`no answer within ${timeoutMs} ms`);
      reject(error); // also while it still connects
      sending?.abort(error);
    };
    const timer =
      timeoutMs !== undefined && timeoutMs > 0
        ? startTimer(late, timeoutMs)
        : undefined;
    let size = 0;
    const gathered = gather();
    const answer: Answer = {
      status: 0,
      statusText: "",
      headers: {},
      body: new Uint8Array(0),
    };
    const done = () => {
      clearTimeout(timer);
      answer.body = gathered.take();
      resolve(answer);
    };
    pool.dispatch(
      { method, path, headers, body: body as Buffer | undefined },
      {
        onRequestStart(controller) {
          sending = controller;
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
          clearTimeout(timer);
          reject(error);
        },
      },
    );
  });
}
