/** Version of this sidecar and CLI; the runtime package's own (a test compares them). */
export const version = "0.1.0";

/** The Dapr runtime version whose API, flags and messages are served. */
export const daprVersion = "1.18.0";
