/** The block of publish and subscribe with one component, `ps`, that keeps what is published. */
import type { NewEvent } from "../../runtime/blocks/pubsub/outlet.ts";
import { createPubSubs } from "../../runtime/blocks/pubsub/pubsub.ts";
import type { Call } from "../../runtime/contracts/call.ts";
import { ApiError } from "../../runtime/contracts/errors.ts";
import type { MetadataItem } from "../../runtime/contracts/metadata.ts";
import type { PublishRequest, PubSub } from "../../runtime/contracts/pubsub.ts";
import type { Trace } from "../../runtime/shared/trace-context.ts";
import { recordingLog } from "./recording-log.ts";

export const json = "application/json";
export const cloudEvent = "application/cloudevents+json";

export const caller = (): Call => {
  const { signal } = new AbortController();
  return { door: "http", signal: () => signal };
};

export interface Setup extends Partial<PubSub> {
  metadata?: MetadataItem[];
}

export function recordingPubSub({ metadata = [], ...own }: Setup = {}) {
  const published: PublishRequest[] = [];
  const pubsub: PubSub = {
    features: [],
    async publish(request) {
      published.push(request);
    },
    subscribe: () => Promise.reject(new Error("nobody subscribes here")),
    close: async () => {},
    ...own,
  };
  const block = createPubSubs({
    appId: "rec",
    namespace: "default",
    log: recordingLog(),
    absence: (name) => (name === "absent" ? "its type is missing" : undefined),
  });
  block.add("ps", pubsub, metadata, (error) => (error as Error).message);
  return { block, published, pubsub };
}

/** Publishes to the topic `t1`; resolves with what the component gets. */
export async function publish(
  contentType: string,
  body: string | Uint8Array,
  metadata: Record<string, string> = {},
  {
    trace,
    topic = "t1",
    ...own
  }: Setup & { trace?: Trace; topic?: string } = {},
): Promise<PublishRequest> {
  const { block, published } = recordingPubSub(own);
  await block
    .outlet("ps", topic, metadata)
    .publish(eventOf(contentType, body), trace, caller());
  expect(published).toHaveLength(1);
  return published[0]!;
}

export const eventOf = (
  contentType: string,
  body: string | Uint8Array,
): NewEvent => ({ contentType, data: Buffer.from(body) });

export const text = (data: Uint8Array) => Buffer.from(data).toString("utf8");

/** The envelope without what differs each time. */
export const shape = (data: Uint8Array) =>
  text(data)
    .replace(
      /"id":"[\da-f]{8}-[\da-f]{4}-4[\da-f]{3}-[89ab][\da-f]{3}-[\da-f]{12}"/,
      '"id":UUID',
    )
    .replace(
      /"time":"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:Z|[+-]\d\d:\d\d)"/,
      '"time":NOW',
    );

export async function envelope(
  ...args: Parameters<typeof publish>
): Promise<string> {
  return shape((await publish(...args)).data);
}

/** Of an envelope, what follows its data. */
export const rest = (type: string, { id = "UUID", source = "rec" } = {}) =>
  `"datacontenttype":"${type}","id":${id},"pubsubname":"ps","source":"${source}","specversion":"1.0",` +
  `"time":NOW,"topic":"t1","traceid":"","traceparent":"","tracestate":"","type":"com.dapr.event.sent"}`;

/** The error that it rejects with. */
export const refused = async (promise: Promise<unknown>): Promise<ApiError> => {
  const error: unknown = await promise.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof ApiError)) throw new Error(`no ApiError: ${error}`);
  return error;
};

export const thrown = (work: () => unknown) =>
  refused(new Promise((resolve) => resolve(work())));
