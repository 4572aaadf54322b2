/** A sidecar with a state store, a secret store, a message bus and an app, and a request to each of their routes. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { component, fileStore } from "./component.ts";
import { startDaprd, type Daprd } from "./daprd.ts";
import { startApp, type RecordingApp } from "./recording-app.ts";
import { items, statePath, stateStore } from "./state-store.ts";
import { tempFolder } from "./temp-folder.ts";

/** The value of the key `victim` in the state store, and of the secret `one`. */
export const canary = "canary-value";

export interface BlockCall {
  method: string;
  path: string;
  body?: string;
  headers?: Record<string, string | string[]>;
}

/** Requests that would read, change or call something if they were not refused. */
export const blockCalls: BlockCall[] = [
  { method: "GET", path: `${statePath}/victim` },
  { method: "DELETE", path: `${statePath}/victim` },
  ...["POST", "PUT"].flatMap((method) => [
    { method, path: statePath, body: items({ key: "victim", value: "gone" }) },
    { method, path: `${statePath}/bulk`, body: '{"keys":["victim"]}' },
    {
      method,
      path: `${statePath}/transaction`,
      body: '{"operations":[{"operation":"delete","request":{"key":"victim"}}]}',
    },
    { method, path: "/v1.0-alpha1/state/statestore/query", body: "{}" },
    { method, path: "/v1.0/publish/bus/topic", body: '"news"' },
    { method, path: "/v1.0/publish/bulk/bus/topic", body: "[]" },
    { method, path: "/v1.0-alpha1/publish/bulk/bus/topic", body: "[]" },
  ]),
  { method: "GET", path: "/v1.0/secrets/vault/one" },
  { method: "GET", path: "/v1.0/secrets/vault/bulk" },
  ...["GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS"].map((method) => ({
    method,
    path: "/v1.0/invoke/testapp/method/a",
  })),
  { method: "GET", path: "/a", headers: { "dapr-app-id": "testapp" } },
  {
    method: "GET",
    path: "/a",
    headers: {
      authorization: `Basic ${Buffer.from("dapr-app-id:testapp").toString("base64")}`,
    },
  },
  { method: "GET", path: "/v1.0/invoke/testapp/method/v1.0/healthz" },
  {
    method: "POST",
    path: "/v1.0/healthz",
    headers: { "dapr-app-id": "testapp" },
  },
];

export interface Blocks {
  sidecar: Daprd;
  app: RecordingApp;
  /** The calls of the app that the sidecar did not make by itself. */
  calls(): string[];
}

/** `headers` is needed where an API token is set. */
export async function startBlocks(
  env: Record<string, string> = {},
  headers: Record<string, string> = {},
): Promise<Blocks> {
  const folder = tempFolder("blocks");
  const secretsFile = join(folder, "secrets.json");
  writeFileSync(secretsFile, JSON.stringify({ one: canary }));
  const app = await startApp(() => ({ status: 200, body: canary }));
  const sidecar = await startDaprd({
    appPort: app.port,
    until: "ready",
    env,
    resources: {
      "a.yaml": stateStore("state.sqlite", {
        connectionString: join(folder, "state.db"),
      }),
      "b.yaml": fileStore("vault", secretsFile),
      "c.yaml": component("bus", "pubsub.in-memory"),
    },
  });
  const { status } = await sidecar.call("POST", statePath, {
    headers,
    body: items({ key: "victim", value: canary }),
  });
  if (status !== 204) throw new Error(`the store answered ${status}`);
  return {
    sidecar,
    app,
    calls: () =>
      app.requests
        .map(({ method, path }) => `${method} ${path}`)
        .filter((call) => !call.startsWith("GET /dapr/")),
  };
}
