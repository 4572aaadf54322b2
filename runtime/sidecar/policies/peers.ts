/** Calls of other sidecars, and by them, with something around each. */
import { Readable } from "node:stream";
import type {
  Forward,
  ForwardReply,
  ForwardRequest,
  Peers,
} from "../../contracts/invocation.ts";
import type { ProxiedCall } from "../../contracts/proxied-call.ts";
import { fromHeaderValue } from "../../shared/header-text.ts";
import type { CallType, Metrics } from "../../observability/metrics/metrics.ts";
import {
  codeOf,
  codeOfError,
  isStream,
  passedThrough,
} from "./proxied-calls.ts";

export const aroundPeers = (peers: Peers, metrics: Metrics): Peers => ({
  async call(peer, request) {
    const { appId } = request;
    const type = typeOf(request);
    const started = performance.now();
    const tell = (status: number) =>
      metrics.callAnswered(appId, status, type, performance.now() - started);
    metrics.callSent(appId, type);
    try {
      const reply = await peers.call(peer, request);
      tell(reply.status);
      return reply;
    } catch (error) {
      tell(500);
      throw error;
    }
  },
  proxy(peer, appId, call, metadata) {
    const type = isStream(call.proxied) ? "streaming" : "unary";
    const started = performance.now();
    const tell = (code: number) =>
      metrics.callAnswered(appId, code, type, performance.now() - started);
    metrics.callSent(appId, type);
    const counted: ProxiedCall = {
      ...passedThrough(call),
      endWith(trailers) {
        tell(codeOf(trailers));
        call.endWith(trailers);
      },
      fail(error) {
        tell(codeOfError(error));
        call.fail(error);
      },
    };
    return peers
      .proxy(peer, appId, counted, metadata)
      .catch((error: unknown) => {
        tell(codeOfError(error));
        throw error;
      });
  },
  close: () => peers.close(),
});

/** What comes from other sidecars. */
export const aroundReceived =
  (receive: Forward, metrics: Metrics): Forward =>
  async (request): Promise<ForwardReply> => {
    const caller = callerOf(request);
    metrics.callReceived(caller);
    try {
      const reply = await receive(request);
      metrics.callResponded(caller, reply.status);
      return reply;
    } catch (error) {
      metrics.callResponded(caller, 500);
      throw error;
    }
  };

const typeOf = ({ body }: ForwardRequest): CallType =>
  body instanceof Readable ? "streaming" : "unary";

/** As it says itself. */
function callerOf({ headers }: ForwardRequest): string {
  for (let i = 0; i < headers.length; i += 2)
    if (headers[i]!.toLowerCase() === "dapr-caller-app-id")
      return fromHeaderValue(headers[i + 1]!);
  return "";
}
