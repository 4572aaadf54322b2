/**
 * The app channel over HTTP: keep-alive connections to the user's app, its API
 * token, at most `maxConcurrency` calls at a time (spec api §6.4).
 */
import { connect } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import type { Dispatcher } from "undici";
// The pool alone: the package's index also loads fetch, WebSocket and caches.
import Pool from "undici/lib/dispatcher/pool.js";
import { DeliveryError, type AppChannel, type AppReply } from "../contract.ts";
import { messageOf } from "../errors.ts";
import { CallError } from "../invocation.ts";

export interface HttpChannelOptions {
  protocol: "http" | "https" | "h2c";
  address: string;
  port: number;
  /** Calls under way at a time; 0 or less is no limit. */
  maxConcurrency: number;
  /** Bytes of an answer that are read; a longer one is an error. */
  maxBodyBytes: number;
  /** Sent as `dapr-api-token` on every call (APP_API_TOKEN). */
  apiToken?: string;
}

const dialIntervalMs = 100;
const dialTimeoutMs = 500;

export async function createHttpChannel(
  options: HttpChannelOptions,
): Promise<AppChannel & { close(): Promise<void> }> {
  const host = options.address.includes(":")
    ? `[${options.address}]`
    : options.address;
  const scheme = options.protocol === "https" ? "https" : "http";
  const origin = `${scheme}://${host}:${options.port}`;
  // The app's time is its own: no limit on headers or body (an inbound policy may set one).
  const timeouts = { headersTimeout: 0, bodyTimeout: 0 };
  const pool: Dispatcher =
    options.protocol === "h2c"
      ? new (await import("undici/lib/dispatcher/h2c-client.js")).default(
          origin,
          timeouts,
        )
      : new Pool(origin, {
          ...timeouts,
          pipelining: 1,
          keepAliveTimeout: 60_000,
          connect: { rejectUnauthorized: false },
        });
  const places = limiter(options.maxConcurrency);

  const send: AppChannel["send"] = async (method, path, request = {}) => {
    const release =
      places && !request.probe ? await places.acquire() : undefined;
    try {
      const headers: Record<string, string> = { ...request.headers };
      if (options.apiToken && !request.probe)
        headers["dapr-api-token"] = options.apiToken;
      return await exchange(pool, options.maxBodyBytes, {
        method: method as Dispatcher.HttpMethod,
        path,
        headers,
        body: request.body,
        timeoutMs: request.timeoutMs,
      });
    } catch (error) {
      if (error instanceof DeliveryError) throw error;
      throw new DeliveryError(
        `the app at ${origin} could not be called: ${messageOf(error)}`,
        undefined,
        error,
      );
    } finally {
      release?.();
    }
  };

  return {
    send,
    async forward() {
      throw new CallError("unimplemented", "not built yet");
    },
    async whenListening(signal) {
      while (!(await isListening(options.address, options.port)))
        await delay(dialIntervalMs, undefined, { signal });
    },
    close: () => pool.destroy(),
  };
}

interface Exchange {
  method: Dispatcher.HttpMethod;
  path: string;
  headers: Record<string, string>;
  body: Uint8Array | undefined;
  timeoutMs: number | undefined;
}

const nothing = new Uint8Array(0);

/** One request and its whole answer through a dispatch handler: no streams, no promises per chunk. */
function exchange(
  pool: Dispatcher,
  maxBodyBytes: number,
  { method, path, headers, body, timeoutMs }: Exchange,
): Promise<AppReply> {
  return new Promise((resolve, reject) => {
    let status = 0;
    let size = 0;
    const chunks: Uint8Array[] = [];
    let timer: NodeJS.Timeout | undefined;
    const fail = (error: unknown) => {
      clearTimeout(timer);
      reject(error);
    };
    pool.dispatch(
      { method, path, headers, body: body as Buffer | undefined },
      {
        onRequestStart(controller) {
          if (timeoutMs !== undefined)
            timer = setTimeout(
              () =>
                controller.abort(new Error(`no answer within ${timeoutMs} ms`)),
              timeoutMs,
            );
        },
        onResponseStart(_controller, statusCode) {
          status = statusCode;
        },
        onResponseData(controller, chunk) {
          size += chunk.length;
          if (size > maxBodyBytes)
            controller.abort(
              new DeliveryError(
                `the app's answer is larger than ${maxBodyBytes} bytes`,
                status,
              ),
            );
          else chunks.push(chunk);
        },
        onResponseEnd() {
          clearTimeout(timer);
          resolve({
            status,
            body:
              chunks.length === 0
                ? nothing
                : chunks.length === 1
                  ? chunks[0]!
                  : Buffer.concat(chunks),
          });
        },
        onResponseError(_controller, error) {
          fail(error);
        },
      },
    );
  });
}

/** Whether a TCP connection to the port succeeds. */
export function isListening(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host, port, timeout: dialTimeoutMs });
    const done = (result: boolean) => () => {
      socket.destroy();
      resolve(result);
    };
    socket.once("connect", done(true));
    socket.once("timeout", done(false));
    socket.once("error", done(false));
  });
}

/** A queue for `max` places; undefined when there is no limit. */
function limiter(max: number) {
  if (max <= 0) return undefined;
  let taken = 0;
  const waiting: (() => void)[] = [];
  const release = () => {
    const next = waiting.shift();
    if (next) next();
    else taken--;
  };
  return {
    async acquire(): Promise<() => void> {
      if (taken < max) taken++;
      else await new Promise<void>((resolve) => waiting.push(resolve));
      return release;
    },
  };
}
