/**
 * The API's errors as data: HTTP status, gRPC code, Dapr's code and exact text
 * (docs/protocol/errors.md). Whoever throws one is an {@link ApiError}; the doors format it.
 */
import { grpcCode } from "../shared/grpc-code.ts";

/** `%s` takes the arguments in order. The second text is gRPC's where it differs. */
type Entry = readonly [
  status: number,
  grpc: keyof typeof grpcCode,
  code: string,
  text: string,
  grpcText?: string,
];

/** In place of a code: HTTP answers the text alone, as `text/plain`. */
const plain = "";

export const catalogue = {
  malformedBody: [
    400,
    "invalidArgument",
    "ERR_MALFORMED_REQUEST",
    "failed deserializing HTTP body: %s",
  ],
  malformedRequest: [400, "invalidArgument", "ERR_MALFORMED_REQUEST", "%s"],
  invalidBaggage: [
    400,
    "invalidArgument",
    "ERR_MALFORMED_REQUEST",
    "invalid baggage header: %s",
  ],
  bodyRead: [
    400,
    "invalidArgument",
    "ERR_BODY_READ",
    "failed to read request body: %s",
  ],
  attributesFull: [
    400,
    "invalidArgument",
    "ERR_MALFORMED_REQUEST",
    "attribute %s is not taken: all attributes of a sidecar together have at most 1 MiB",
  ],
  unexpected: [500, "unknown", "ERROR", "%s"],
  unwritable: [502, "internal", "ERROR", "the answer could not be written: %s"],

  // Who may call, and what is no request of this API.
  foreignHost: [
    403,
    "permissionDenied",
    plain,
    'host "%s" is not this sidecar\'s; set DAPR_ALLOWED_HOSTS to serve it',
  ],
  malformedHost: [
    400,
    "invalidArgument",
    plain,
    "the Host header is malformed, or there is more than one",
  ],
  foreignPage: [
    403,
    "permissionDenied",
    plain,
    "cross-site request refused; set --allowed-origins to let a page of another site in",
  ],
  invalidToken: [
    401,
    "unauthenticated",
    plain,
    "invalid api token",
    "Unauthorized",
  ],
  onlyLocal: [
    403,
    "permissionDenied",
    plain,
    "only this machine may do that without a token; set DAPR_API_TOKEN, or DAPR_ALLOW_REMOTE_SHUTDOWN=true",
  ],
  watchToken: [
    401,
    "unauthenticated",
    plain,
    "the header dapr-watch-token is not this sidecar's DAPR_WATCH_TOKEN; dapr dashboard knows it",
  ],
  watchOnlyLocal: [
    403,
    "permissionDenied",
    plain,
    "only a program of this machine may watch, by a loopback address, and no web page; open dapr dashboard",
  ],
  unknownCoding: [
    400,
    "invalidArgument",
    plain,
    "the only Transfer-Encoding that is understood is chunked",
  ],
  badEscape: [
    400,
    "invalidArgument",
    plain,
    'failed to unescape request parameter "%s". Error: %s',
  ],
  noPage: [404, "notFound", plain, "404 page not found\n"],

  // Bindings: docs/protocol/bindings.md.
  invokeOutputBinding: [
    500,
    "internal",
    "ERR_INVOKE_OUTPUT_BINDING",
    "error invoking output binding %s: %s",
  ],
  bindingNoOperation: [
    500,
    "internal",
    "ERR_INVOKE_OUTPUT_BINDING",
    "error invoking output binding %s: operation field is missing from request",
  ],
  bindingNotFound: [
    500,
    "internal",
    "ERR_INVOKE_OUTPUT_BINDING",
    "error invoking output binding %s: couldn't find output binding %s",
  ],
  bindingOperation: [
    500,
    "internal",
    "ERR_INVOKE_OUTPUT_BINDING",
    "error invoking output binding %s: binding %s does not support operation %s. supported operations:%s",
  ],

  // State: docs/protocol/state.md.
  stateNotConfigured: [
    500,
    "failedPrecondition",
    "ERR_STATE_STORE_NOT_CONFIGURED",
    "state store %s is not configured",
  ],
  stateNotFound: [
    400,
    "invalidArgument",
    "ERR_STATE_STORE_NOT_FOUND",
    "state store %s is not found",
  ],
  stateIllegalKey: [
    400,
    "invalidArgument",
    "ERR_MALFORMED_REQUEST",
    "api error: code = InvalidArgument desc = input key/keyPrefix '%s' can't contain '||'",
    "input key/keyPrefix '%s' can't contain '||'",
  ],
  stateKeyRefused: [
    400,
    "invalidArgument",
    "ERR_MALFORMED_REQUEST",
    "state store %s can't hold the key %s: %s",
  ],
  stateMissingKey: [
    400,
    "invalidArgument",
    "ERR_MALFORMED_REQUEST",
    '"key" is a required field',
    "state key cannot be empty",
  ],
  stateGet: [
    500,
    "internal",
    "ERR_STATE_GET",
    "fail to get %s from state store %s: %s",
  ],
  // The original passes the store's error on as it is, and gRPC knows no code for it.
  stateBulkGet: [500, "unknown", "ERR_STATE_BULK_GET", "%s"],
  stateSave: [
    500,
    "internal",
    "ERR_STATE_SAVE",
    "failed saving state in state store %s: %s",
  ],
  stateSaveMismatch: [
    409,
    "aborted",
    "ERR_STATE_SAVE",
    "failed saving state in state store %s: %s",
  ],
  stateSaveRefused: [
    400,
    "invalidArgument",
    "ERR_STATE_SAVE",
    "failed saving state in state store %s: %s",
  ],
  stateDelete: [
    500,
    "internal",
    "ERR_STATE_DELETE",
    "failed deleting state with key %s: %s",
  ],
  stateDeleteMismatch: [
    409,
    "aborted",
    "ERR_STATE_DELETE",
    "failed deleting state with key %s: %s",
  ],
  stateDeleteRefused: [
    400,
    "invalidArgument",
    "ERR_STATE_DELETE",
    "failed deleting state with key %s: %s",
  ],
  // Only gRPC has this call.
  stateDeleteBulk: [
    500,
    "internal",
    "ERR_STATE_DELETE_BULK",
    "failed deleting state in state store %s: %s",
  ],
  stateDeleteBulkMismatch: [
    409,
    "aborted",
    "ERR_STATE_DELETE_BULK",
    "failed deleting state in state store %s: %s",
  ],
  stateDeleteBulkRefused: [
    400,
    "invalidArgument",
    "ERR_STATE_DELETE_BULK",
    "failed deleting state in state store %s: %s",
  ],
  stateTransaction: [
    500,
    "internal",
    "ERR_STATE_TRANSACTION",
    "error while executing state transaction: %s",
  ],
  stateTransactionRefused: [
    400,
    "invalidArgument",
    "ERR_STATE_TRANSACTION",
    "error while executing state transaction: %s",
  ],
  stateOperationNotSupported: [
    400,
    "unimplemented",
    "ERR_NOT_SUPPORTED_STATE_OPERATION",
    "operation type %s not supported",
  ],
  stateNoTransactions: [
    500,
    "unimplemented",
    "ERR_STATE_STORE_NOT_SUPPORTED",
    "state store %s doesn't support transactions",
  ],
  stateTooManyOperations: [
    400,
    "invalidArgument",
    "ERR_STATE_STORE_TOO_MANY_TRANSACTIONS",
    "the transaction contains %s operations, which is more than what the state store supports: %s",
  ],
  stateNoQuery: [
    500,
    "internal",
    "ERR_STATE_STORE_NOT_SUPPORTED",
    "state store does not support querying",
  ],
  stateQuery: [
    500,
    "internal",
    "ERR_STATE_QUERY",
    "state store %s query failed: %s",
  ],

  // Of those who watch: docs/protocol/watch.md.
  watchNoStore: [
    404,
    "notFound",
    "ERR_STATE_STORE_NOT_FOUND",
    "state store %s is not found",
  ],
  stateNoKeys: [
    501,
    "unimplemented",
    "ERR_STATE_STORE_NOT_SUPPORTED",
    "state store %s can't list its keys",
  ],
  stateKeys: [
    500,
    "internal",
    "ERR_STATE_GET",
    "fail to list keys of state store %s: %s",
  ],

  // Secrets: docs/protocol/secrets.md.
  secretsNotConfigured: [
    500,
    "failedPrecondition",
    "ERR_SECRET_STORES_NOT_CONFIGURED",
    "secret store is not configured",
  ],
  secretStoreNotFound: [
    401,
    "invalidArgument",
    "ERR_SECRET_STORE_NOT_FOUND",
    "failed finding secret store with key %s",
  ],
  secretDenied: [
    403,
    "permissionDenied",
    "ERR_PERMISSION_DENIED",
    'access denied by policy to get "%s" from "%s"',
  ],
  secretIllegalKey: [
    400,
    "invalidArgument",
    "ERR_MALFORMED_REQUEST",
    "secret %s of secret store %s: a name may not contain NUL",
  ],
  secretGet: [
    500,
    "internal",
    "ERR_SECRET_GET",
    "failed getting secret with key %s from secret store %s: %s",
  ],
  secretBulkGet: [
    500,
    "internal",
    "ERR_SECRET_GET",
    "failed getting secrets from secret store %s: %s",
  ],

  // Service invocation: docs/protocol/invocation.md.
  noInvokeTarget: [
    404,
    "notFound",
    "ERR_DIRECT_INVOKE",
    "%s To call an app, name it in the path, /v1.0/invoke/APP-ID/method/…, or in the header dapr-app-id",
    "failed getting app id either from the URL path or the header dapr-app-id",
  ],
  directInvoke: [
    500,
    "internal",
    "ERR_DIRECT_INVOKE",
    "failed to invoke, id: %s, err: %s",
  ],
  // A Resiliency's policy ended the call, or kept it from being made.
  directInvokeTimeout: [
    500,
    "deadlineExceeded",
    "ERR_DIRECT_INVOKE",
    "failed to invoke, id: %s, err: %s",
    "context deadline exceeded",
  ],
  directInvokeOpen: [
    500,
    "unknown",
    "ERR_DIRECT_INVOKE",
    "failed to invoke, id: %s, err: %s",
    "circuit breaker is open",
  ],
  directInvokeBusy: [
    500,
    "unknown",
    "ERR_DIRECT_INVOKE",
    "failed to invoke, id: %s, err: %s",
    "too many requests",
  ],
  directInvokeDenied: [
    403,
    "internal",
    "ERR_DIRECT_INVOKE",
    "failed to invoke, id: %s, err: %s",
  ],

  // Publish and subscribe: docs/protocol/pubsub.md.
  pubsubNotFound: [
    404,
    "invalidArgument",
    "ERR_PUBSUB_NOT_FOUND",
    "pubsub %s is not found",
  ],
  // Over HTTP these two are other paths, and no such request.
  pubsubNameEmpty: [
    404,
    "invalidArgument",
    "ERR_PUBSUB_EMPTY",
    "pubsub name is empty",
  ],
  pubsubTopicEmpty: [
    404,
    "invalidArgument",
    "ERR_TOPIC_NAME_EMPTY",
    "topic is empty in pubsub %s",
  ],
  pubsubMetadata: [
    400,
    "invalidArgument",
    "ERR_PUBSUB_REQUEST_METADATA",
    "failed deserializing metadata. Error: %s",
  ],
  pubsubCloudEvent: [
    500,
    "invalidArgument",
    "ERR_PUBSUB_CLOUD_EVENTS_SER",
    "cannot create cloudevent",
  ],
  pubsubMarshalEnvelope: [
    400,
    "invalidArgument",
    "ERR_PUBSUB_EVENTS_SER",
    "error when marshalling cloud event envelope for topic %s pubsub %s: %s",
  ],
  pubsubMarshalEvents: [
    400,
    "invalidArgument",
    "ERR_PUBSUB_EVENTS_SER",
    "error marshaling events to bytes for topic %s pubsub %s. error: %s",
  ],
  pubsubUnmarshalEvents: [
    400,
    "invalidArgument",
    "ERR_PUBSUB_EVENTS_SER",
    "error when unmarshaling the request for topic %s pubsub %s: %s",
  ],
  pubsubForbidden: [
    403,
    "permissionDenied",
    "ERR_PUBSUB_FORBIDDEN",
    "topic %s is not allowed for app id %s",
  ],
  pubsubPublish: [
    500,
    "internal",
    "ERR_PUBSUB_PUBLISH_MESSAGE",
    "error when publishing to topic %s in pubsub %s: %s",
  ],

  // Blocks that this version does not have: codes and statuses are those of a sidecar without such components.
  configurationNotConfigured: [
    500,
    "failedPrecondition",
    "ERR_CONFIGURATION_STORE_NOT_CONFIGURED",
    "configuration stores not configured: they are not in this version of the sidecar",
  ],
  lockNotConfigured: [
    500,
    "failedPrecondition",
    "ERR_LOCK_STORE_NOT_CONFIGURED",
    "lock store is not configured: locks are not in this version of the sidecar",
  ],
  cryptoNotConfigured: [
    500,
    "internal",
    "ERR_CRYPTO_PROVIDERS_NOT_CONFIGURED",
    "crypto providers not configured: they are not in this version of the sidecar",
  ],
  conversationNotFound: [
    400,
    "invalidArgument",
    "ERR_CONVERSATION_NOT_FOUND",
    "failed finding conversation component %s: conversation is not in this version of the sidecar",
  ],
  actorNoPlacement: [
    400,
    "unavailable",
    "ERR_ACTOR_NO_PLACEMENT",
    "placement service is not configured: actors and workflows are not in this version of the sidecar",
  ],
  jobScheduleEmpty: [
    400,
    "invalidArgument",
    "DAPR_SCHEDULER_SCHEDULE_EMPTY",
    "Schedule is empty: jobs are not in this version of the sidecar",
  ],
  notInThisVersion: [
    501,
    "unimplemented",
    "ERR_API_UNIMPLEMENTED",
    "%s not in this version of the sidecar",
  ],

  // Health.
  healthNotReady: [
    500,
    "internal",
    "ERR_HEALTH_NOT_READY",
    "dapr is not ready: [%s]",
  ],
  healthAppIdMismatch: [
    500,
    "internal",
    "ERR_HEALTH_APPID_NOT_MATCH",
    "dapr app-id does not match",
  ],
  outboundNotReady: [
    500,
    "internal",
    "ERR_OUTBOUND_HEALTH_NOT_READY",
    "dapr outbound is not ready",
  ],
} as const satisfies Record<string, Entry>;

export type ErrorName = keyof typeof catalogue;

/** One entry of a rich error's `details`. */
export type ErrorDetail = { "@type": string } & Record<string, unknown>;

const detail = (
  type: string,
  fields: Record<string, unknown>,
): ErrorDetail => ({
  "@type": `type.googleapis.com/google.rpc.${type}`,
  ...fields,
});

export const errorInfo = (
  reason: string,
  metadata?: Record<string, string>,
): ErrorDetail =>
  detail("ErrorInfo", {
    reason,
    domain: "dapr.io",
    ...(metadata ? { metadata } : {}),
  });

export const resourceInfo = (
  type: string,
  name: string,
  owner = "",
  description = "",
): ErrorDetail =>
  detail("ResourceInfo", {
    resource_type: type,
    resource_name: name,
    owner,
    description,
  });

export const badRequest = (field: string, description: string): ErrorDetail =>
  detail("BadRequest", { field_violations: [{ field, description }] });

export const helpLink = (url: string, description: string): ErrorDetail =>
  detail("Help", { links: [{ description, url }] });

export interface ApiErrorOptions {
  cause?: unknown;
  /** A function gets the text of the door that asks. */
  details?: ErrorDetail[] | ((message: string) => ErrorDetail[]);
  /** Headers of the answer, e.g. a binding's metadata. */
  headers?: Record<string, string>;
  /** Added after the original's words. */
  because?: string | undefined;
}

/** An error that the API answers. */
export class ApiError extends Error {
  override name = "ApiError";
  readonly status: number;
  /** Empty where HTTP answers the message alone. */
  readonly code: string;
  readonly details: ErrorDetail[] | undefined;
  readonly headers: Record<string, string> | undefined;
  /** One of {@link grpcCode}. */
  readonly grpcCode: number;
  readonly grpcMessage: string;
  readonly grpcDetails: ErrorDetail[] | undefined;

  constructor(
    error: ErrorName,
    args: readonly string[] = [],
    { cause, details, headers, because }: ApiErrorOptions = {},
  ) {
    const [status, grpc, code, text, grpcText = text]: Entry = catalogue[error];
    const filled = (template: string) => {
      let next = 0;
      const words = template.replace(/%s/g, () => args[next++] ?? "");
      return because ? `${words}: ${because}` : words;
    };
    const detailed = (message: string) =>
      typeof details === "function" ? details(message) : details;
    super(filled(text), { cause });
    this.status = status;
    this.code = code;
    this.headers = headers;
    this.details = detailed(this.message);
    this.grpcCode = grpcCode[grpc];
    this.grpcMessage = filled(grpcText);
    this.grpcDetails = detailed(this.grpcMessage);
  }
}
