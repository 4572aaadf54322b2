/** The errors of publishing with their details (docs/protocol/pubsub.md). */
import {
  ApiError,
  errorInfo,
  resourceInfo,
  type ApiErrorOptions,
  type ErrorName,
} from "../../contracts/errors.ts";
import type { Metadata } from "./overrides.ts";

export interface FailedEntry {
  entryId: string;
  error: string;
}

/** Some entries of a bulk were not stored; the others were. */
export class BulkPublishError extends ApiError {
  override name = "BulkPublishError";
  readonly failedEntries: readonly FailedEntry[];

  constructor(
    args: readonly string[],
    options: ApiErrorOptions,
    failedEntries: readonly FailedEntry[],
  ) {
    super("pubsubPublish", args, options);
    this.failedEntries = failedEntries;
  }
}

export type PubSubErrors = ReturnType<typeof pubsubErrors>;

/** Those of one component. */
export function pubsubErrors(pubsub: string, appID: string) {
  const detailed = (
    reason: string,
    metadata: Metadata | undefined,
    more?: Pick<ApiErrorOptions, "cause">,
  ): ApiErrorOptions => ({
    ...more,
    details: (message) => [
      resourceInfo("pubsub", shown(pubsub), "", message),
      errorInfo(`DAPR_PUBSUB_${reason}`, told(metadata)),
    ],
  });
  const error = (
    name: ErrorName,
    args: readonly string[],
    reason: string,
    metadata?: Metadata,
  ) => new ApiError(name, args.map(shown), detailed(reason, metadata));
  const failed = (topic: string, problem: string, cause: unknown) =>
    [
      [topic, pubsub, problem].map(shown),
      detailed("PUBLISH_MESSAGE", { error: problem, topic }, { cause }),
    ] as const;

  return {
    notFound: (metadata: Metadata, because?: string) =>
      new ApiError("pubsubNotFound", [shown(pubsub)], {
        because,
        details: [errorInfo("DAPR_PUBSUB_NOT_FOUND", told(metadata))],
      }),

    nameEmpty: (metadata: Metadata) =>
      error("pubsubNameEmpty", [], "NAME_EMPTY", metadata),

    topicEmpty: (metadata: Metadata) =>
      error("pubsubTopicEmpty", [pubsub], "TOPIC_NAME_EMPTY", metadata),

    metadata: (problem: string, metadata: Metadata) =>
      error("pubsubMetadata", [problem], "METADATA_DESERIALIZATION", metadata),

    cloudEvent: (problem: string) =>
      error("pubsubCloudEvent", [], "CLOUD_EVENT_CREATION", {
        appID,
        error: problem,
      }),

    /** A content type that does not fit its event. */
    marshalEnvelope: (topic: string, problem: string) =>
      error(
        "pubsubMarshalEnvelope",
        [topic, pubsub, problem],
        "MARSHAL_ENVELOPE",
        { appID, error: problem },
      ),

    /** No `entryId`, or one that is there twice. */
    marshalEvents: (topic: string, problem: string) =>
      error("pubsubMarshalEvents", [topic, pubsub, problem], "MARSHAL_EVENTS", {
        appID,
        error: problem,
      }),

    /** A body that is no list of entries. */
    unmarshalEvents: (topic: string, problem: string) =>
      error(
        "pubsubUnmarshalEvents",
        [topic, pubsub, problem],
        "UNMARSHAL_EVENTS",
        { appID },
      ),

    forbidden: (topic: string) =>
      error("pubsubForbidden", [topic, appID], "FORBIDDEN", {
        error: `topic ${topic} is not allowed for app id ${appID}`,
        topic,
      }),

    publish: (topic: string, problem: string, cause: unknown) =>
      new ApiError("pubsubPublish", ...failed(topic, problem, cause)),

    publishBulk: (
      topic: string,
      problem: string,
      cause: unknown,
      entries: FailedEntry[],
    ) => new BulkPublishError(...failed(topic, problem, cause), entries),
  };
}

/** gRPC tells an error in headers, which have no room for megabytes of a caller's text. */
const mostShown = 500;

const shown = (text: string) =>
  text.length > mostShown ? `${text.slice(0, mostShown)}…` : text;

/** Shortened; a caller's many metadata are left out. */
function told(
  metadata: Metadata | undefined,
): Record<string, string> | undefined {
  if (!metadata) return undefined;
  const entries: [string, string][] = [];
  for (const key in metadata) {
    if (entries.length === 10 || key.length > mostShown) return undefined;
    entries.push([key, shown(metadata[key]!)]);
  }
  return entries.length > 0 ? Object.fromEntries(entries) : undefined;
}
