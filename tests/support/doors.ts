/** The HTTP API and the gRPC API behind one interface: the same calls with the same outcomes. */
import { call, type Reply } from "./http.ts";
import { nameOf, openGrpc, type GrpcReply } from "./grpc-api.ts";
import type { Message } from "./proto-services.ts";

/** A value, nothing, or an error with the code of each API. If the texts differ, HTTP's is first. */
export type Outcome =
  | { value: unknown }
  | {
      error: {
        http?: number;
        grpc?: string;
        text: string | readonly [string, string];
      };
    };

export interface Item {
  key: string;
  value?: unknown;
  etag?: string;
  options?: { concurrency?: "first-write" | "last-write" };
  metadata?: Record<string, string>;
}

/** An event, as it is published. */
export interface Published {
  data: string | Uint8Array;
  contentType?: string;
  metadata?: Record<string, string>;
}

export interface Door {
  save(store: string, items: Item[]): Promise<Outcome>;
  get(store: string, key: string): Promise<Outcome>;
  etag(store: string, key: string): Promise<string>;
  /** The values by key. */
  getBulk(store: string, keys: string[]): Promise<Outcome>;
  delete(store: string, item: Item): Promise<Outcome>;
  transact(
    store: string,
    operations: (Item & { operation: string })[],
  ): Promise<Outcome>;
  query(store: string, query: string): Promise<Outcome>;
  secret(store: string, key: string): Promise<Outcome>;
  secrets(store: string): Promise<Outcome>;
  invokeBinding(
    name: string,
    operation: string,
    data: unknown,
  ): Promise<Outcome>;
  /** `headers`: of the request itself. */
  publish(
    pubsub: string,
    topic: string,
    event: Published,
    headers?: Record<string, string>,
  ): Promise<Outcome>;
  /** Over HTTP the events must be JSON or text, as their content types say. */
  publishBulk(
    pubsub: string,
    topic: string,
    entries: (Published & { entryId?: string })[],
    metadata?: Record<string, string>,
  ): Promise<Outcome>;
  /** The answer's body as JSON; an error has the app's text. */
  invokeService(
    app: string,
    verb: string,
    method: string,
    body?: string,
    headers?: Record<string, string>,
  ): Promise<Outcome>;
  setMetadata(key: string, value: string): Promise<Outcome>;
  metadata(): Promise<SidecarFacts>;
}

/** What both APIs say about the sidecar. */
export interface SidecarFacts {
  id: unknown;
  runtimeVersion: unknown;
  components: unknown;
  extended: Record<string, string>;
  app: unknown;
  actors: unknown;
}

export function httpDoor(port: number): Door {
  const send = (
    method: string,
    path: string,
    body?: unknown,
    headers?: Record<string, string>,
  ) =>
    call(port, method, path, {
      headers,
      body: typeof body === "string" ? body : JSON.stringify(body),
    });
  const outcome = (
    { status, text }: Reply,
    read: (body: string) => unknown = () => undefined,
  ): Outcome => {
    if (status === 204) return { value: undefined };
    if (status === 200) return { value: read(text) };
    const { message } = JSON.parse(text) as { message: string };
    const prefix = /^api error: code = \w+ desc = /;
    return { error: { http: status, text: message.replace(prefix, "") } };
  };
  const state = (store: string, rest = "") => `/v1.0/state/${store}${rest}`;
  const named = (store: string, key: string) =>
    state(store, `/${encodeURIComponent(key)}`);
  return {
    save: async (store, all) => outcome(await send("POST", state(store), all)),
    get: async (store, key) =>
      outcome(await send("GET", named(store, key)), JSON.parse),
    etag: async (store, key) =>
      (await send("GET", named(store, key))).headers["etag"]!,
    async getBulk(store, keys) {
      const reply = await send("POST", state(store, "/bulk"), { keys });
      return outcome(reply, (text) =>
        Object.fromEntries(
          (JSON.parse(text) as { key: string; data?: unknown }[]).map(
            ({ key, data }) => [key, data],
          ),
        ),
      );
    },
    delete: async (store, { key, etag }) =>
      outcome(
        await send(
          "DELETE",
          named(store, key),
          undefined,
          etag === undefined ? {} : { "if-match": etag },
        ),
      ),
    transact: async (store, all) =>
      outcome(
        await send("POST", state(store, "/transaction"), {
          operations: all.map(({ operation, ...request }) => ({
            operation,
            request,
          })),
        }),
      ),
    query: async (store, query) =>
      outcome(
        await send("POST", `/v1.0-alpha1/state/${store}/query`, query),
        JSON.parse,
      ),
    secret: async (store, key) =>
      outcome(await send("GET", `/v1.0/secrets/${store}/${key}`), JSON.parse),
    secrets: async (store) =>
      outcome(await send("GET", `/v1.0/secrets/${store}/bulk`), JSON.parse),
    invokeBinding: async (name, operation, data) =>
      outcome(
        await send("POST", `/v1.0/bindings/${name}`, { operation, data }),
      ),
    publish: async (pubsub, topic, { data, contentType, metadata }, headers) =>
      outcome(
        await call(port, "POST", publishPath(pubsub, topic, metadata), {
          headers: {
            ...(contentType === undefined
              ? {}
              : { "content-type": contentType }),
            ...headers,
          },
          body: data,
        }),
      ),
    async publishBulk(pubsub, topic, entries, metadata) {
      const path = publishPath(`bulk/${pubsub}`, topic, metadata);
      const reply = await send(
        "POST",
        path,
        entries.map(({ data, ...entry }) => ({
          ...entry,
          event: /json/.test(entry.contentType ?? "")
            ? (JSON.parse(data as string) as unknown)
            : data,
        })),
      );
      // A bulk of which some were stored has its error in a header.
      const message = reply.headers["metadata.error"];
      return outcome(
        message === undefined
          ? reply
          : { ...reply, text: JSON.stringify({ message }) },
      );
    },
    async invokeService(app, verb, method, body, headers) {
      const reply = await send(
        verb,
        `/v1.0/invoke/${app}/method/${method.replaceAll(" ", "%20")}`,
        body,
        { "content-type": "text/plain", ...headers },
      );
      const { status, text } = reply;
      if (status === 200 || text.startsWith("{"))
        return outcome(reply, JSON.parse);
      return { error: { http: status, text } };
    },
    setMetadata: async (key, value) =>
      outcome(
        await send("PUT", `/v1.0/metadata/${encodeURIComponent(key)}`, value),
      ),
    async metadata() {
      const all = (await send("GET", "/v1.0/metadata")).json() as Message;
      return {
        id: all["id"],
        runtimeVersion: all["runtimeVersion"],
        components: all["components"],
        extended: all["extended"] as Record<string, string>,
        app: { maxConcurrency: 0, ...(all["appConnectionProperties"] as {}) },
        actors: all["actorRuntime"],
      };
    },
  };
}

function publishPath(
  pubsub: string,
  topic: string,
  metadata: Record<string, string> = {},
): string {
  const query = Object.entries(metadata).map(
    ([key, value]) =>
      `metadata.${encodeURIComponent(key)}=${encodeURIComponent(value)}`,
  );
  const topicPath = topic.split("/").map(encodeURIComponent).join("/");
  return `/v1.0/publish/${pubsub}/${topicPath}?${query.join("&")}`;
}

export function grpcDoor(target: number | string): Door {
  const api = openGrpc(target);
  const outcome = (
    { code, text, reply }: GrpcReply,
    read: (reply: Message) => unknown = () => undefined,
  ): Outcome =>
    code === 0
      ? { value: read(reply!) }
      : { error: { grpc: nameOf(code), text } };
  const bytes = (value: unknown) =>
    value === undefined ? undefined : Buffer.from(JSON.stringify(value));
  const json = (data: unknown): unknown =>
    (data as Buffer).length === 0
      ? undefined
      : JSON.parse((data as Buffer).toString());
  const item = ({ key, value, etag, options, metadata }: Item) => ({
    key,
    value: bytes(value),
    metadata: { contentType: "application/json", ...metadata },
    ...(etag === undefined ? {} : { etag: { value: etag } }),
    ...(options
      ? {
          options: {
            concurrency: `CONCURRENCY_${options.concurrency?.toUpperCase().replace("-", "_")}`,
          },
        }
      : {}),
  });
  return {
    save: async (storeName, all) =>
      outcome(
        await api.call("SaveState", { storeName, states: all.map(item) }),
      ),
    get: async (storeName, key) =>
      outcome(await api.call("GetState", { storeName, key }), ({ data }) =>
        json(data),
      ),
    etag: async (storeName, key) =>
      (await api.call("GetState", { storeName, key })).reply!["etag"] as string,
    getBulk: async (storeName, keys) =>
      outcome(
        await api.call("GetBulkState", { storeName, keys }),
        ({ items }) =>
          Object.fromEntries(
            (items as Message[]).map(({ key, data }) => [key, json(data)]),
          ),
      ),
    delete: async (storeName, { key, etag }) =>
      outcome(
        await api.call("DeleteState", {
          storeName,
          key,
          ...(etag === undefined ? {} : { etag: { value: etag } }),
        }),
      ),
    transact: async (storeName, all) =>
      outcome(
        await api.call("ExecuteStateTransaction", {
          storeName,
          operations: all.map(({ operation, ...request }) => ({
            operationType: operation,
            request: item(request),
          })),
        }),
      ),
    query: async (storeName, query) =>
      outcome(
        await api.call("QueryStateAlpha1", { storeName, query }),
        ({ results }) => results,
      ),
    secret: async (storeName, key) =>
      outcome(
        await api.call("GetSecret", { storeName, key }),
        ({ data }) => data,
      ),
    secrets: async (storeName) =>
      outcome(await api.call("GetBulkSecret", { storeName }), ({ data }) =>
        Object.fromEntries(
          Object.entries(data as Record<string, Message>).map(
            ([name, { secrets }]) => [name, secrets],
          ),
        ),
      ),
    invokeBinding: async (name, operation, data) =>
      outcome(
        await api.call("InvokeBinding", { name, operation, data: bytes(data) }),
      ),
    publish: async (
      pubsubName,
      topic,
      { data, contentType, metadata },
      headers,
    ) =>
      outcome(
        await api.call(
          "PublishEvent",
          {
            pubsubName,
            topic,
            data: Buffer.from(data),
            dataContentType: contentType,
            metadata,
          },
          { metadata: headers },
        ),
      ),
    publishBulk: async (pubsubName, topic, entries, metadata) =>
      outcome(
        await api.call("BulkPublishEvent", {
          pubsubName,
          topic,
          metadata,
          entries: entries.map(({ data, ...entry }) => ({
            ...entry,
            event: Buffer.from(data),
          })),
        }),
      ),
    async invokeService(id, verb, path, body, metadata) {
      const [method, querystring = ""] = path.split("?");
      const reply = await api.call(
        "InvokeService",
        {
          id,
          message: {
            method,
            contentType: "text/plain",
            httpExtension: { verb, querystring },
            ...(body === undefined
              ? {}
              : { data: { value: Buffer.from(body) } }),
          },
        },
        { metadata },
      );
      const [info] = reply.details as { metadata?: Record<string, string> }[];
      const words = info?.metadata?.["http.error_message"];
      const { code } = reply;
      if (words !== undefined)
        return { error: { grpc: nameOf(code), text: words } };
      return outcome(reply, ({ data }) => json((data as Message)["value"]));
    },
    setMetadata: async (key, value) =>
      outcome(await api.call("SetMetadata", { key, value })),
    async metadata() {
      const all = (await api.call("GetMetadata")).reply!;
      const { health: _, ...app } = all["appConnectionProperties"] as Message;
      const { activeActors: __, ...actors } = all["actorRuntime"] as Message;
      return {
        id: all["id"],
        runtimeVersion: all["runtimeVersion"],
        components: (all["registeredComponents"] as Message[]).map(
          ({ capabilities, ...component }) => ({
            ...component,
            ...((capabilities as []).length > 0 ? { capabilities } : {}),
          }),
        ),
        extended: all["extendedMetadata"] as Record<string, string>,
        app,
        actors,
      };
    },
  };
}
