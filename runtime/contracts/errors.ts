/**
 * The API's errors as data: Dapr's code, HTTP status and exact text (docs/protocol/http-api.md).
 * `%s` takes the arguments in order. Formatted in one place, {@link ApiError}.
 */
const catalogue = {
  malformedBody: [
    400,
    "ERR_MALFORMED_REQUEST",
    "failed deserializing HTTP body: %s",
  ],
  malformedRequest: [400, "ERR_MALFORMED_REQUEST", "%s"],
  invalidBaggage: [400, "ERR_MALFORMED_REQUEST", "invalid baggage header: %s"],
  bodyRead: [400, "ERR_BODY_READ", "failed to read request body: %s"],

  invokeOutputBinding: [
    500,
    "ERR_INVOKE_OUTPUT_BINDING",
    "error invoking output binding %s: %s",
  ],

  // State: docs/protocol/state.md.
  stateNotConfigured: [
    500,
    "ERR_STATE_STORE_NOT_CONFIGURED",
    "state store %s is not configured",
  ],
  stateNotFound: [
    400,
    "ERR_STATE_STORE_NOT_FOUND",
    "state store %s is not found",
  ],
  stateIllegalKey: [
    400,
    "ERR_MALFORMED_REQUEST",
    "api error: code = InvalidArgument desc = input key/keyPrefix '%s' can't contain '||'",
  ],
  stateKeyRefused: [
    400,
    "ERR_MALFORMED_REQUEST",
    "state store %s can't hold the key %s: %s",
  ],
  stateGet: [500, "ERR_STATE_GET", "fail to get %s from state store %s: %s"],
  stateBulkGet: [500, "ERR_STATE_BULK_GET", "%s"],
  stateSave: [
    500,
    "ERR_STATE_SAVE",
    "failed saving state in state store %s: %s",
  ],
  stateSaveMismatch: [
    409,
    "ERR_STATE_SAVE",
    "failed saving state in state store %s: %s",
  ],
  stateSaveBadEtag: [
    400,
    "ERR_STATE_SAVE",
    "failed saving state in state store %s: %s",
  ],
  stateDelete: [
    500,
    "ERR_STATE_DELETE",
    "failed deleting state with key %s: %s",
  ],
  stateDeleteMismatch: [
    409,
    "ERR_STATE_DELETE",
    "failed deleting state with key %s: %s",
  ],
  stateDeleteBadEtag: [
    400,
    "ERR_STATE_DELETE",
    "failed deleting state with key %s: %s",
  ],
  stateTransaction: [
    500,
    "ERR_STATE_TRANSACTION",
    "error while executing state transaction: %s",
  ],
  stateOperationNotSupported: [
    400,
    "ERR_NOT_SUPPORTED_STATE_OPERATION",
    "operation type %s not supported",
  ],
  stateNoTransactions: [
    500,
    "ERR_STATE_STORE_NOT_SUPPORTED",
    "state store %s doesn't support transactions",
  ],
  stateTooManyOperations: [
    400,
    "ERR_STATE_STORE_TOO_MANY_TRANSACTIONS",
    "the transaction contains %s operations, which is more than what the state store supports: %s",
  ],
  stateNoQuery: [
    500,
    "ERR_STATE_STORE_NOT_SUPPORTED",
    "state store does not support querying",
  ],
  stateQuery: [500, "ERR_STATE_QUERY", "state store %s query failed: %s"],

  // Secrets: docs/protocol/secrets.md.
  secretsNotConfigured: [
    500,
    "ERR_SECRET_STORES_NOT_CONFIGURED",
    "secret store is not configured",
  ],
  secretStoreNotFound: [
    401,
    "ERR_SECRET_STORE_NOT_FOUND",
    "failed finding secret store with key %s",
  ],
  secretDenied: [
    403,
    "ERR_PERMISSION_DENIED",
    'access denied by policy to get "%s" from "%s"',
  ],
  secretIllegalKey: [
    400,
    "ERR_MALFORMED_REQUEST",
    "secret %s of secret store %s: a name may not contain NUL",
  ],
  secretGet: [
    500,
    "ERR_SECRET_GET",
    "failed getting secret with key %s from secret store %s: %s",
  ],
  secretBulkGet: [
    500,
    "ERR_SECRET_GET",
    "failed getting secrets from secret store %s: %s",
  ],

  // Service invocation: docs/protocol/invocation.md.
  noInvokeTarget: [
    404,
    "ERR_DIRECT_INVOKE",
    "%s. To call an app, name it in the path, /v1.0/invoke/APP-ID/method/…, or in the header dapr-app-id",
  ],
  directInvoke: [500, "ERR_DIRECT_INVOKE", "failed to invoke, id: %s, err: %s"],
  directInvokeDenied: [
    403,
    "ERR_DIRECT_INVOKE",
    "failed to invoke, id: %s, err: %s",
  ],

  // Blocks that this version does not have: code and status are those of a sidecar without such components.
  pubsubNotFound: [
    404,
    "ERR_PUBSUB_NOT_FOUND",
    "pubsub %s is not found: publish and subscribe is not in this version of the sidecar",
  ],
  configurationNotConfigured: [
    500,
    "ERR_CONFIGURATION_STORE_NOT_CONFIGURED",
    "configuration stores not configured: they are not in this version of the sidecar",
  ],
  lockNotConfigured: [
    500,
    "ERR_LOCK_STORE_NOT_CONFIGURED",
    "lock store is not configured: locks are not in this version of the sidecar",
  ],
  cryptoNotConfigured: [
    500,
    "ERR_CRYPTO_PROVIDERS_NOT_CONFIGURED",
    "crypto providers not configured: they are not in this version of the sidecar",
  ],
  subtleCryptoUnimplemented: [
    501,
    "ERR_API_UNIMPLEMENTED",
    "this API is not in this version of the sidecar",
  ],
  conversationNotFound: [
    400,
    "ERR_CONVERSATION_NOT_FOUND",
    "failed finding conversation component %s: conversation is not in this version of the sidecar",
  ],
  actorNoPlacement: [
    400,
    "ERR_ACTOR_NO_PLACEMENT",
    "placement service is not configured: actors and workflows are not in this version of the sidecar",
  ],
  jobScheduleEmpty: [
    400,
    "DAPR_SCHEDULER_SCHEDULE_EMPTY",
    "Schedule is empty: jobs are not in this version of the sidecar",
  ],

  healthNotReady: [500, "ERR_HEALTH_NOT_READY", "dapr is not ready: [%s]"],
  healthAppIdMismatch: [
    500,
    "ERR_HEALTH_APPID_NOT_MATCH",
    "dapr app-id does not match",
  ],
  outboundNotReady: [
    500,
    "ERR_OUTBOUND_HEALTH_NOT_READY",
    "dapr outbound is not ready",
  ],
} as const satisfies Record<string, readonly [number, string, string]>;

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
  details?: ErrorDetail[];
  /** Headers of the answer, e.g. a binding's metadata. */
  headers?: Record<string, string>;
  /** Added after the original's words. */
  because?: string | undefined;
}

/** An error the API answers: `{"errorCode","message","details"?}` with its status. */
export class ApiError extends Error {
  override name = "ApiError";
  readonly status: number;
  readonly code: string;
  readonly details: ErrorDetail[] | undefined;
  readonly headers: Record<string, string> | undefined;

  constructor(
    error: ErrorName,
    args: string[] = [],
    options: ApiErrorOptions = {},
  ) {
    const [status, code, text] = catalogue[error];
    let next = 0;
    const message = text.replace(/%s/g, () => args[next++] ?? "");
    super(options.because ? `${message}: ${options.because}` : message, {
      cause: options.cause,
    });
    this.status = status;
    this.code = code;
    this.details = options.details;
    this.headers = options.headers;
  }

  get body(): string {
    return JSON.stringify({
      errorCode: this.code,
      message: this.message,
      ...(this.details ? { details: this.details } : {}),
    });
  }
}
