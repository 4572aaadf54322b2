/** What is told of a call while somebody watches. */
import { targetOf } from "../../contracts/proxied-call.ts";
import type { Unnumbered, Watch } from "../../contracts/watch.ts";
import type { ServerCall } from "../../net/grpc/server-call.ts";
import type { InvokeRequest } from "../../proto/gen/dapr/proto/common/v1/common.ts";
import { hiddenBody } from "../../shared/body-preview.ts";
import { fromHeaderValue } from "../../shared/header-text.ts";
import {
  hasPassword,
  shortened,
  shownPath,
  shownQuery,
  shownTarget,
} from "../../shared/shown-url.ts";
import { mayBeSecretsPath } from "../../shared/secret-path.ts";
import type { Body, CallEvent } from "../../shared/watch-event.ts";
import { messagePreview } from "./message-preview.ts";

const service = "/dapr.proto.runtime.v1.Dapr/";

const blocks: Record<string, CallEvent["block"]> = {
  GetState: "state",
  GetBulkState: "state",
  SaveState: "state",
  DeleteState: "state",
  DeleteBulkState: "state",
  QueryStateAlpha1: "state",
  ExecuteStateTransaction: "state",
  InvokeBinding: "bindings",
  PublishEvent: "pubsub",
  BulkPublishEvent: "pubsub",
  BulkPublishEventAlpha1: "pubsub",
  SubscribeTopicEventsAlpha1: "pubsub",
  InvokeService: "invoke",
  GetSecret: "secrets",
  GetBulkSecret: "secrets",
  GetMetadata: "metadata",
  SetMetadata: "metadata",
  Shutdown: "metadata",
};

/** Returns what is to be told the call's code, once it is over. */
export function watchCall(
  watch: Watch,
  call: ServerCall,
): (code: number) => void {
  const at = Date.now();
  const started = performance.now();
  const block = blockOf(call);
  let why = block === "secrets" ? "it may hold a secret" : undefined;
  let request: Body | undefined;
  let response: Body | undefined;
  let asked: Fields = {};
  call.onDecoded = (way, message) => {
    if (way === "request") {
      asked = message as Fields;
      if (hasPassword(String(asked["id"] ?? "")))
        why = "it may name the password of the URL";
      else if (block === "invoke" && mayBeSecretsPath(methodOf(asked)))
        why = "it may hold a secret";
    }
    if (why) return;
    if (way === "response") response = messagePreview(message);
    else
      request = messagePreview(
        block === "invoke" ? withoutSecrets(asked) : message,
      );
  };
  return (code) => {
    const { receivedBytes, sentBytes } = call.sizes;
    const event: Unnumbered<CallEvent> = {
      type: "call",
      at,
      ms: performance.now() - started,
      door: "grpc",
      method: shortened(call.path),
      path: shortened(call.path),
      block,
      ...subjectOf(call, asked),
      status: code,
      isError: code !== 0,
      request: bodyOf(request, receivedBytes, why),
      response: bodyOf(response, sentBytes, why),
    };
    watch.tell(() => event);
  };
}

type Fields = Partial<Record<string, unknown>>;

/** `bytes`: on the wire. */
function bodyOf(
  shown: Body | undefined,
  bytes: number,
  why = "it is no single message that was read here",
): Body | undefined {
  if (shown) return { ...shown, bytes };
  return bytes > 0 ? hiddenBody(bytes, "application/grpc", why) : undefined;
}

/** Of InvokeService. */
const methodOf = ({ message }: Fields): string =>
  (message as InvokeRequest | undefined)?.method ?? "";

/** Of InvokeService: the query is in its fields. */
function withoutSecrets({ message, ...others }: Fields): Fields {
  if (!message) return others;
  const { method, httpExtension, ...more } = message as InvokeRequest;
  return {
    ...others,
    message: {
      method: shownPath(method),
      ...(httpExtension && {
        httpExtension: {
          ...httpExtension,
          querystring: shownQuery(httpExtension.querystring),
        },
      }),
      ...more,
    },
  };
}

function blockOf({ path, metadata }: ServerCall): CallEvent["block"] {
  const known = path.startsWith(service)
    ? blocks[path.slice(service.length)]
    : undefined;
  if (known) return known;
  return targetOf(metadata) === undefined ? "other" : "invoke";
}

/** The fields have these names in all of Dapr's messages. */
function subjectOf(
  { metadata }: ServerCall,
  asked: Fields,
): Pick<Unnumbered<CallEvent>, "target" | "topic" | "key"> {
  const text = (name: string) => {
    const value = asked[name];
    return typeof value === "string" && value !== ""
      ? shortened(value)
      : undefined;
  };
  const called = targetOf(metadata);
  const target =
    text("storeName") ?? text("pubsubName") ?? text("name") ?? text("id");
  return {
    target: target
      ? shownTarget(target)
      : called && shortened(fromHeaderValue(called)),
    topic: text("topic"),
    key: text("key"),
  };
}
