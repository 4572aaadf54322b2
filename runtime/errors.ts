/**
 * The API's errors as data: Dapr's code, HTTP status and exact text (spec api).
 * `%s` takes the arguments in order. Formatted in one place, {@link ApiError}.
 */
const catalogue = {
  malformedBody: [
    400,
    "ERR_MALFORMED_REQUEST",
    "failed deserializing HTTP body: %s",
  ],
  invalidBaggage: [400, "ERR_MALFORMED_REQUEST", "invalid baggage header: %s"],
  bodyRead: [400, "ERR_BODY_READ", "failed to read request body: %s"],
  invokeOutputBinding: [
    500,
    "ERR_INVOKE_OUTPUT_BINDING",
    "error invoking output binding %s: %s",
  ],
  noInvokeTarget: [
    404,
    "ERR_DIRECT_INVOKE",
    "failed getting app id either from the URL path or the header dapr-app-id",
  ],
  directInvoke: [500, "ERR_DIRECT_INVOKE", "failed to invoke, id: %s, err: %s"],
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

/** An error the API answers: `{"errorCode","message"}` with its status. */
export class ApiError extends Error {
  override name = "ApiError";
  readonly status: number;
  readonly code: string;

  constructor(error: ErrorName, args: string[] = [], cause?: unknown) {
    const [status, code, text] = catalogue[error];
    let next = 0;
    super(
      text.replace(/%s/g, () => args[next++] ?? ""),
      { cause },
    );
    this.status = status;
    this.code = code;
  }

  /** The legacy error body (spec api §0). */
  get body(): string {
    return JSON.stringify({ errorCode: this.code, message: this.message });
  }
}

/** A message fit for a person from whatever was thrown. */
export function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (error.message) return error.message;
  const inner = (error as AggregateError).errors?.[0];
  return inner
    ? messageOf(inner)
    : ((error as { code?: string }).code ?? error.name);
}
