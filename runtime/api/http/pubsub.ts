/** `/v1.0/publish/…` (docs/protocol/pubsub.md). */
import { BulkPublishError } from "../../blocks/pubsub/errors.ts";
import {
  isCloudEvent,
  isJson,
  type EventContent,
} from "../../blocks/pubsub/event-content.ts";
import type { Outlet } from "../../blocks/pubsub/outlet.ts";
import type { PubSubs } from "../../blocks/pubsub/pubsub.ts";
import { usualPubSub } from "../../blocks/pubsub/usual-pubsub.ts";
import { ApiError } from "../../contracts/errors.ts";
import { fromHeaderValue, toHeaderValue } from "../../shared/header-text.ts";
import { readTrace } from "../../shared/trace-context.ts";
import { findTarget } from "./invoke.ts";
import { queryMetadata } from "./query-metadata.ts";
import { parseBig, readBody } from "./read-body.ts";
import {
  BodyError,
  header,
  type ApiReply,
  type ApiRequest,
  type Handler,
  type Route,
  type RouteHandler,
} from "./request.ts";
import { unescapeParam } from "./router.ts";

export function publishRoutes(
  pubsubs: Pick<PubSubs, "outlet" | "components">,
): Route[] {
  const outletOf = ({ params, query }: ApiRequest) =>
    pubsubs.outlet(
      params["pubsub"]!,
      unescapeParam("topic", params["topic"]!),
      queryMetadata(query),
    );

  const publish = (request: ApiRequest) =>
    publishTo(outletOf(request), request);

  /** As in the first releases of Dapr, whose message bus had no name. A path that another app is called by is none. */
  const publishUnnamed: RouteHandler = (request) => {
    const names = pubsubs.components().map(({ name }) => name);
    const name = usualPubSub(names);
    const { params, query } = request;
    const topic = params["topic"]!;
    // What is called as a component is one whose topic was forgotten.
    const isTopic = !names.includes(topic) && !findTarget(request);
    if (name === undefined || !isTopic) return undefined;
    return publishTo(
      pubsubs.outlet(name, topic, queryMetadata(query)),
      request,
    );
  };

  const publishTo = async (outlet: Outlet, request: ApiRequest) => {
    const contentType = fromHeaderValue(header(request, "content-type") ?? "");
    const data = await bodyOf(request, outlet);
    const event = { contentType, data };
    const content = outlet.isRaw
      ? undefined
      : await bigContent(contentType, data);
    await outlet.publish(
      content ? { ...event, content } : event,
      traceOf(request),
      request,
    );
    return { status: 204 };
  };

  const publishBulk: Handler = async (request) => {
    const outlet = outletOf(request);
    const { entries } = await readBody(request, "publish").catch(
      (error: unknown) => {
        if (!(error instanceof ApiError)) throw error;
        throw outlet.errors.unmarshalEvents(outlet.topic, error.message);
      },
    );
    try {
      await outlet.publishBulk(entries, traceOf(request), request);
    } catch (error) {
      if (!(error instanceof BulkPublishError)) throw error;
      return bulkReply(error);
    }
    return { status: 204 };
  };

  const both = (path: string, handler: RouteHandler): Route[] => [
    ["POST", path, handler],
    ["PUT", path, handler],
  ];
  return [
    ...both("/v1.0/publish/bulk/:pubsub/*topic", publishBulk),
    ...both("/v1.0-alpha1/publish/bulk/:pubsub/*topic", publishBulk),
    ...both("/v1.0/publish/:pubsub/*topic", publish),
    ...both("/v1.0/publish/:topic", publishUnnamed),
  ];
}

async function bodyOf(request: ApiRequest, outlet: Outlet): Promise<Buffer> {
  try {
    return await request.body();
  } catch (error) {
    if (!(error instanceof BodyError)) throw error;
    throw outlet.errors.publish(outlet.topic, error.message, error);
  }
}

/** Big JSON is read in another thread; all else by the block. */
async function bigContent(
  contentType: string,
  data: Buffer,
): Promise<EventContent | undefined> {
  if (isJson(contentType)) return parseBig(data, "eventJson");
  if (isCloudEvent(contentType)) return parseBig(data, "cloudEvent");
  return undefined;
}

const traceOf = (request: ApiRequest) =>
  readTrace(header(request, "traceparent"), header(request, "tracestate"));

/** Clients refuse longer heads; the body has it all. */
const longestHeader = 2048;

/** Says which entries were not stored. */
function bulkReply({
  failedEntries,
  code,
  status,
  message,
}: BulkPublishError): ApiReply {
  const body = JSON.stringify({ failedEntries, errorCode: code });
  const headers: Record<string, string> = {};
  const tell = (name: string, text: string) => {
    if (text.length <= longestHeader) headers[name] = toHeaderValue(text);
  };
  tell("metadata.responseData", body);
  tell("metadata.error", `api error: code = Internal desc = ${message}`);
  return { status, headers, body, errorCode: code };
}
