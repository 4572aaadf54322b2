/** A sidecar with a message bus `bus`, an app that subscribes, and events from the API. */
import { component, type Item } from "./component.ts";
import { startDaprd, type Daprd, type DaprdOptions } from "./daprd.ts";
import {
  startApp,
  type Answer,
  type Recorded,
  type RecordingApp,
} from "./recording-app.ts";

/** Of the type that needs nothing; it has no memory. */
export const memoryBus = (metadata: Record<string, Item> = {}) =>
  component("bus", "pubsub.in-memory", metadata);

/** In a file; what is refused comes again soon. */
export const fileBus = (metadata: Record<string, Item> = {}) =>
  component("bus", "pubsub.sqlite", {
    path: "./bus.db",
    partitions: "1",
    backOffDuration: "50ms",
    ...metadata,
  });

export interface TopicApp {
  /** What it answers to `GET /dapr/subscribe`. */
  subscriptions?: unknown;
  /** What it answers to an event. */
  answer?(request: Recorded): Answer | Promise<Answer>;
  port?: number;
}

export const startTopicApp = ({
  subscriptions,
  answer = () => ({ status: 200 }),
  port,
}: TopicApp): Promise<RecordingApp> =>
  startApp((request) => {
    if (request.method === "POST") return answer(request);
    if (request.path !== "/dapr/subscribe") return { status: 404 };
    return subscriptions === undefined
      ? { status: 404 }
      : {
          status: 200,
          body:
            typeof subscriptions === "string"
              ? subscriptions
              : JSON.stringify(subscriptions),
        };
  }, port);

export async function startTopics(
  app: TopicApp,
  { resources = { "bus.yaml": memoryBus() }, ...options }: DaprdOptions = {},
): Promise<{ app: RecordingApp; sidecar: Daprd }> {
  const started = await startTopicApp(app);
  const sidecar = await startDaprd({
    appPort: started.port,
    resources,
    until: "ready",
    ...options,
  });
  return { app: started, sidecar };
}

/** Until the topic is read, what is published may reach nobody. */
export const whenRead = (sidecar: Daprd): Promise<string> =>
  sidecar.logged("app is subscribed to the following topics");

/** Publishes JSON to `bus`. */
export async function publish(
  sidecar: Daprd,
  topic: string,
  data: unknown,
  options: {
    headers?: Record<string, string>;
    query?: string;
    /** In the place of the JSON. */
    body?: string;
  } = {},
): Promise<void> {
  const { status, text } = await sidecar.call(
    "POST",
    `/v1.0/publish/bus/${topic}${options.query ?? ""}`,
    {
      body: options.body ?? JSON.stringify(data),
      headers: { "content-type": "application/json", ...options.headers },
    },
  );
  if (status !== 204) throw new Error(`publish answered ${status}: ${text}`);
}

/** The `data` of the events that came to a path. */
export const dataAt = ({ posts }: RecordingApp, path: string): unknown[] =>
  posts()
    .filter((request) => request.path === path)
    .map(({ body }) => (JSON.parse(body) as { data: unknown }).data);

export interface DeclaredOptions {
  topic?: string;
  /** More lines of `spec`, indented by two spaces. */
  spec?: string;
  scopes?: string[];
  version?: "v1alpha1" | "v2alpha1";
}

/** A `kind: Subscription` of `bus`. */
export const declared = (
  name: string,
  { topic = "orders", spec = "", scopes, version }: DeclaredOptions = {},
): string => `apiVersion: dapr.io/${version ?? "v1alpha1"}
kind: Subscription
metadata:
  name: ${name}
spec:
  pubsubname: bus
  topic: ${topic}
${spec || `  route: /${name}\n`}${scopes ? `scopes: [${scopes.join(", ")}]\n` : ""}`;
