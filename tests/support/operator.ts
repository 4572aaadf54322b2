/** The control plane's operator, with its real API server and feeds. Objects and Secrets are kept here instead of in a cluster. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import {
  serveApi,
  type ApiServer,
} from "../../runtime/kubernetes/operator/api-server.ts";
import { CallerError } from "../../runtime/kubernetes/operator/callers.ts";
import { openFeed, type Feed } from "../../runtime/kubernetes/operator/feed.ts";
import type {
  Change,
  ResourceCache,
} from "../../runtime/kubernetes/operator/resource-cache.ts";
import {
  daprKinds,
  type Caller,
  type DaprKind,
  type DaprObject,
} from "../../runtime/kubernetes/operator/resources.ts";
import { secretReader } from "../../runtime/kubernetes/operator/secrets.ts";
import {
  KubeError,
  type KubeApi,
} from "../../runtime/kubernetes/api/client.ts";
import type { Logger } from "../../runtime/shared/log.ts";
import { freePorts } from "./ports.ts";
import type { TestCertificates } from "./tls.ts";

export interface TestOperator {
  /** `localhost:PORT`, also while it is down. */
  address: string;
  /** The environment that the injector gives a sidecar. */
  env: Record<string, string>;
  /** Creates or changes an object. */
  put(kind: DaprKind, object: TestObject): void;
  remove(kind: DaprKind, name: string): void;
  putSecret(name: string, values: Record<string, string>): void;
  removeSecret(name: string): void;
  start(): Promise<void>;
  /** Stops the operator. The objects stay. */
  stop(): Promise<void>;
  close(): Promise<void>;
}

export interface TestObject {
  metadata: { name: string };
  spec?: Record<string, unknown>;
  scopes?: string[];
  auth?: { secretStore?: string };
}

const namespace = "shop";
const token = "pod-token";

/** Creates an operator. It runs once `start` has been called. */
export async function createOperator(
  folder: string,
  certificates: TestCertificates,
  caller: { appId: string; config?: string },
): Promise<TestOperator> {
  const [port] = (await freePorts(1)) as [number];
  const tokenFile = join(folder, "token");
  writeFileSync(tokenFile, `${token}\n`);
  const caches = Object.fromEntries(
    Object.entries(daprKinds).map(([kind, version]) => [
      kind,
      createCache(kindNames[kind as DaprKind], version),
    ]),
  ) as Record<DaprKind, TestCache>;
  const secrets = new Map<string, Record<string, string>>();
  const read = secretReader({
    async get(path: string) {
      const name = path.split("/").at(-1)!;
      const values = secrets.get(name);
      if (!values) throw new KubeError(`GET ${path}`, 404, "not found");
      return { metadata: { name }, data: values };
    },
  } as unknown as KubeApi);
  const feeds = Object.fromEntries(
    Object.entries(caches).map(([kind, cache]) => [
      kind,
      openFeed(kind as DaprKind, cache, read, silent),
    ]),
  ) as Record<DaprKind, Feed>;
  let server: ApiServer | undefined;
  const identified: Caller = { namespace, pod: "pod", ...caller };
  const operator: TestOperator = {
    address: `localhost:${port}`,
    env: {
      NAMESPACE: namespace,
      POD_NAME: "pod",
      DAPR_TRUST_ANCHORS: certificates.ca,
      DAPR_SENTRY_TOKEN_FILE: tokenFile,
      DAPR_UNSAFE_SKIP_CONTAINER_UID_GID_CHECK: "true",
    },
    put: (kind, object) => caches[kind].put(object as DaprObject),
    remove: (kind, name) => caches[kind].remove(name),
    putSecret(name, values) {
      const encoded = Object.entries(values).map(([key, value]) => [
        key,
        Buffer.from(value).toString("base64"),
      ]);
      secrets.set(name, Object.fromEntries(encoded) as Record<string, string>);
    },
    removeSecret: (name) => void secrets.delete(name),
    async start() {
      server = await serveApi(
        {
          feeds,
          callers: {
            async identify(authorization) {
              const now = readFileSync(tokenFile, "utf8").trim();
              if (authorization !== `Bearer ${now}`)
                throw new CallerError(16, "the token is not valid");
              return identified;
            },
          },
          log: silent,
          port,
        },
        {
          certificate: certificates.cert,
          key: certificates.key,
          root: certificates.ca,
        } as never,
      );
    },
    async stop() {
      await server?.close();
      server = undefined;
    },
    async close() {
      for (const feed of Object.values(feeds)) feed.stop();
      await operator.stop();
    },
  };
  return operator;
}

type TestCache = ResourceCache<DaprObject> & {
  put(object: DaprObject): void;
  remove(name: string): void;
};

const kindNames: Partial<Record<DaprKind, string>> = {
  subscriptions: "Subscription",
};

function createCache(kind = "Component", kindVersion: string): TestCache {
  const objects = new Map<string, DaprObject>();
  const listeners: ((change: Change<DaprObject>) => void)[] = [];
  let version = 0;
  const tell = (change: Change<DaprObject>) => {
    for (const listener of listeners) listener(change);
  };
  return {
    list: () => [...objects.values()],
    get: (_, name) => objects.get(name),
    onChange: (listener) => void listeners.push(listener),
    stop: async () => {},
    put(object) {
      const name = object.metadata.name!;
      const old = objects.get(name);
      const now: DaprObject = {
        apiVersion: `dapr.io/${kindVersion}`,
        kind,
        ...object,
        metadata: {
          ...object.metadata,
          namespace,
          resourceVersion: String(++version),
        },
      };
      objects.set(name, now);
      tell({ ...(old ? { old } : {}), now });
    },
    remove(name) {
      const old = objects.get(name);
      objects.delete(name);
      if (old) tell({ old });
    },
  };
}

const silent: Logger = {
  debug() {},
  info() {},
  warn() {},
  error() {},
  fatal() {},
  always() {},
  scope: () => silent,
};
