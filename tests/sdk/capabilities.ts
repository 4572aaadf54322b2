/** What an SDK can ask of a sidecar: the rows of the table in docs/sdks.md, and the names that the programs report under. */
export interface Capability {
  /** As the programs call it. */
  id: string;
  block: string;
  what: string;
  /** Needs a component or service that the suite starts for no sidecar: only what a sidecar without the block answers is looked at. */
  isProbe?: true;
  /** Python's SDK calls it by a name that Dapr 1.14 lacks. */
  isNewer?: true;
}

const block = (
  name: string,
  ids: Record<string, string>,
  more: Pick<Capability, "isProbe" | "isNewer"> = {},
): Capability[] =>
  Object.entries(ids).map(([id, what]) => ({ id, block: name, what, ...more }));

const isProbe = true;

export const capabilities: Capability[] = [
  ...block("State", {
    "state.save": "save and get",
    "state.bulk": "get several keys",
    "state.delete": "delete",
    "state.etag": "refuse an old etag",
    "state.transaction": "transaction",
    "state.query": "query",
  }),
  ...block("Bindings", {
    "bindings.output": "output, with an answer",
    "bindings.input-http": "input, to an app that speaks HTTP",
    "bindings.input-grpc": "input, to an app that speaks gRPC",
  }),
  ...block("Secrets", {
    "secrets.get": "one",
    "secrets.bulk": "all",
  }),
  ...block("Invocation", {
    "invocation.http-app": "call an app that speaks HTTP",
    "invocation.grpc-app": "call an app that speaks gRPC",
    "invocation.proxy": "call any gRPC service of an app",
    "invocation.callee-http": "be called, over HTTP",
    "invocation.callee-grpc": "be called, over gRPC",
  }),
  ...block("Sidecar", {
    "sidecar.wait": "wait until it is ready",
    "sidecar.token": "show it the API token",
    "sidecar.metadata": "read its metadata",
    "sidecar.set-metadata": "add to its metadata",
    "sidecar.shutdown": "end it",
  }),
  ...block("Pub/sub", {
    "pubsub.publish": "publish",
  }),
  ...block(
    "Pub/sub",
    { "pubsub.publish-bulk": "publish several at once" },
    { isNewer: true },
  ),
  ...block("Pub/sub", {
    "pubsub.subscribe-http": "subscribe, in an app that speaks HTTP",
    "pubsub.subscribe-grpc": "subscribe, in an app that speaks gRPC",
    "pubsub.routes": "subscribe, by rules",
    "pubsub.subscribe-bulk": "subscribe, to several at once",
    "pubsub.stream": "subscribe, by a stream that the app opens",
    "pubsub.retry": "ask for an event again",
    "pubsub.drop": "drop an event, into the dead-letter topic",
  }),
  ...block("Configuration", { "configuration.get": "get" }, { isProbe }),
  ...block("Distributed lock", { "lock.lock": "lock" }, { isProbe }),
  ...block("Cryptography", { "crypto.encrypt": "encrypt" }, { isProbe }),
  ...block("Jobs", { "jobs.schedule": "schedule" }, { isProbe }),
  ...block(
    "Conversation",
    { "conversation.converse": "converse" },
    { isProbe },
  ),
  ...block("Actors", { "actors.invoke": "call" }, { isProbe }),
  ...block("Workflow", { "workflow.start": "start" }, { isProbe }),
];
