/** One request to a server that is neither app nor sidecar, and its whole answer, by Node's own HTTP client. */
import {
  Agent as PlainAgent,
  request as plainRequest,
  type Agent,
} from "node:http";
import { request, type AgentOptions } from "node:https";
import { wholeBody } from "../shared/whole-body.ts";
import { libraryMs } from "../shared/timers.ts";

export interface ExchangeOptions {
  method?: string;
  headers?: Record<string, string>;
  body?: string;
  /** From the request to the answer's last byte. */
  timeoutMs: number;
  /** Of the answer; a longer one is an error. */
  maxBytes: number;
}

export interface Exchange {
  status: number;
  text: string;
}

/** Requests to one server over kept connections. */
export interface Exchanger {
  /** `path` is below the origin. Rejects with the connection's own error, or one that tells the limit. */
  ask(path: string, options: ExchangeOptions): Promise<Exchange>;
  close(): void;
}

/** node:https takes 8 ms to load, so nothing of it is loaded before it is needed. */
function secureAgent(options: AgentOptions): Agent {
  const { Agent: SecureAgent } = process.getBuiltinModule("node:https");
  return new SecureAgent(options);
}

/** `origin`: `https://host:port`, with a path if all requests are below it. `tls` holds for https alone. */
export function createExchanger(
  origin: string,
  tls: AgentOptions = {},
): Exchanger {
  const isPlain = /^http:/i.test(origin);
  const agent = isPlain
    ? new PlainAgent({ keepAlive: true })
    : secureAgent({ keepAlive: true, ...tls });
  const open = isPlain ? plainRequest : request;
  return {
    ask: (path, { method = "GET", headers = {}, body, timeoutMs, maxBytes }) =>
      new Promise((resolve, reject) => {
        const signal = AbortSignal.timeout(libraryMs(timeoutMs));
        const fail = (error: Error) =>
          reject(
            signal.aborted
              ? new Error(`no answer within ${timeoutMs} ms`, { cause: error })
              : error,
          );
        const tooLarge = () =>
          new Error(`its answer is larger than ${maxBytes} bytes`);
        const outgoing = open(
          origin + path,
          {
            agent,
            method,
            signal,
            headers: {
              ...headers,
              // Node gives a DELETE's body no length by itself.
              ...(body === undefined
                ? {}
                : { "content-length": Buffer.byteLength(body) }),
            },
          },
          (incoming) => {
            const status = incoming.statusCode ?? 0;
            wholeBody(incoming, maxBytes, tooLarge).then(
              (body) => resolve({ status, text: body.toString("utf8") }),
              fail,
            );
          },
        );
        outgoing.on("error", fail);
        outgoing.end(body);
      }),
    close: () => agent.destroy(),
  };
}
