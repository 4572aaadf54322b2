/**
 * Calls to an app that speaks HTTP/2 without TLS, over node:http2 itself. A
 * general client does not tell an answer that was reset from one that ended,
 * and waits for ever for an app that allows no streams.
 */
import {
  connect,
  type ClientHttp2Session,
  type OutgoingHttpHeaders,
} from "node:http2";
import { connect as connectTcp } from "node:net";
import { Readable } from "node:stream";
import {
  CallError,
  type ForwardReply,
  type ForwardRequest,
} from "../../contracts/invocation.ts";
import { startTimer } from "../../shared/timers.ts";
import { exchange } from "./exchange.ts";
import { sessionLimits } from "../session-limits.ts";
import { keepAlive } from "./keep-alive.ts";
import { outliveGoaway } from "./outlive-goaway.ts";
import { allowed, createResetBudget } from "./reset-budget.ts";
import { checkSendable } from "../http1/request.ts";
import { hopByHop } from "../../shared/hop-by-hop.ts";

export interface Http2Client {
  /** `apiToken` replaces whatever token the request carries. */
  forward(request: ForwardRequest, apiToken?: string): Promise<ForwardReply>;
  close(): void;
}

/** To connect, and to be allowed a request. */
const openMs = 10_000;
const windowBytes = 256 * 1024;

/** `origin` such as `http://127.0.0.1:3000`. */
export function createHttp2Client(
  origin: string,
  { openLimitMs = openMs }: { openLimitMs?: number } = {},
): Http2Client {
  const { hostname, port } = new URL(origin);
  const address = {
    host: hostname.replace(/^\[|\]$/g, ""),
    port: Number(port || 80),
  };
  /** Those that took a request, or may. */
  const sessions = new Map<
    ClientHttp2Session,
    { requests: number; countReset(): void }
  >();
  const all = new Set<ClientHttp2Session>();
  let opening: Promise<void> | undefined;
  let isClosed = false;

  /** Resolves once the app allows a request over it. */
  function open(): Promise<void> {
    return new Promise((resolve, reject) => {
      const socket = connectTcp({ ...address, noDelay: true });
      const session = connect(origin, {
        createConnection: () => socket,
        ...sessionLimits,
        settings: { enablePush: false, initialWindowSize: windowBytes },
      });
      all.add(session);
      const fail = (error: Error) => {
        clearTimeout(timer);
        sessions.delete(session);
        session.destroy();
        socket.destroy(); // a session leaves it if it still connects
        reject(error);
      };
      const timer = startTimer(
        () =>
          fail(
            new Error(
              allowed(session) === 0
                ? `it allows no requests over HTTP/2 (SETTINGS_MAX_CONCURRENT_STREAMS is 0), also after ${openLimitMs / 1000} s`
                : `it did not begin to speak HTTP/2 within ${openLimitMs / 1000} s`,
            ),
          ),
        openLimitMs,
      );
      session.once("connect", () =>
        session.setLocalWindowSize(2 * windowBytes),
      );
      session.on("remoteSettings", () => {
        if (allowed(session) === 0 || sessions.has(session)) return;
        clearTimeout(timer);
        const use = { requests: 0, countReset: createResetBudget(session) };
        sessions.set(session, use);
        keepAlive(session, socket, () => use.requests > 0, { pings: false });
        resolve();
      });
      session.on("error", fail);
      outliveGoaway(session);
      session.on("close", () => {
        all.delete(session);
        fail(new Error("the connection was closed"));
      });
    });
  }

  async function take(): Promise<ClientHttp2Session> {
    for (;;) {
      if (isClosed)
        throw new CallError("unavailable", "the sidecar shuts down");
      for (const [session, use] of sessions)
        if (
          !session.closed &&
          !session.destroyed &&
          use.requests < allowed(session)
        ) {
          use.requests++;
          return session;
        }
      await (opening ??= open().finally(() => (opening = undefined)));
    }
  }

  return {
    async forward(request, apiToken) {
      const headers = headersOf(request, apiToken);
      const attempt = async () => {
        request.signal?.throwIfAborted();
        const session = await take();
        const use = sessions.get(session)!;
        return exchange(session, request, headers, use.countReset, () => {
          use.requests--;
        });
      };
      return attempt().catch((error: unknown) => {
        // An app that says goodbye refuses the requests that it has not seen.
        const isUnsent = error instanceof CallError && error.unsent;
        if (!isUnsent || request.body instanceof Readable) throw error;
        return attempt();
      });
    },
    close() {
      isClosed = true;
      for (const session of all) session.destroy();
    },
  };
}

/** What HTTP/2 has no place for, or says itself. */
const own = new Set([...hopByHop, "content-length"]);

/** Values of one name go out as a list. Throws a {@link CallError} on what HTTP can't carry. */
function headersOf(
  request: ForwardRequest,
  apiToken: string | undefined,
): OutgoingHttpHeaders {
  checkSendable(request);
  const { method, path, headers, body } = request;
  const sent: Record<string, string> = Object.assign(Object.create(null), {
    ":method": method,
    ":path": path,
  });
  for (let i = 0; i < headers.length; i += 2) {
    const name = headers[i]!.toLowerCase();
    const value = headers[i + 1]!;
    if (name === "content-length" && /^\d{1,15}$/.test(value))
      sent[name] ??= value;
    if (own.has(name)) continue;
    if (name === "dapr-api-token" && apiToken !== undefined) continue;
    const before = sent[name];
    sent[name] =
      before === undefined
        ? value
        : before + (name === "cookie" ? "; " : ", ") + value;
  }
  if (apiToken !== undefined) sent["dapr-api-token"] = apiToken;
  if (body instanceof Uint8Array) sent["content-length"] = String(body.length);
  else if (body === undefined) delete sent["content-length"];
  return sent;
}
