/** Calls of other sidecars, and by them, with something around each. */
import { Readable } from "node:stream";
import type {
  Forward,
  ForwardReply,
  ForwardRequest,
  Peers,
} from "../../contracts/invocation.ts";
import { fromHeaderValue } from "../../shared/header-text.ts";
import type { CallType, Metrics } from "../../observability/metrics/metrics.ts";

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
    metrics.callSent(appId, "streaming");
    return peers.proxy(peer, appId, call, metadata);
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
