/** All objects of one kind, kept up to date by an informer of the Kubernetes client library. */
import {
  makeInformer,
  type KubeConfig,
  type KubernetesObject as ClientObject,
} from "@kubernetes/client-node";
import type { Logger } from "../../shared/log.ts";
import type { KubeApi } from "../api/client.ts";
import type { KubernetesObject } from "../api/objects.ts";

export interface Change<T> {
  /** Undefined when the object is new. */
  old?: T;
  /** Undefined when the object is gone. */
  now?: T;
}

export interface ResourceCache<T extends KubernetesObject> {
  list(namespace?: string): T[];
  get(namespace: string, name: string): T | undefined;
  /** Called for each object of the first list, and for each later change. */
  onChange(listener: (change: Change<T>) => void): void;
  stop(): Promise<void>;
}

export interface Listed<T> {
  items: T[];
  metadata?: { resourceVersion?: string };
}

const retryMs = 2_000;

/** Resolves once the first list is in; keeps asking until then, and says why. */
export async function openCache<T extends KubernetesObject>(
  path: string,
  query: { labelSelector?: string },
  { api, cluster, log }: { api: KubeApi; cluster: KubeConfig; log: Logger },
): Promise<ResourceCache<T>> {
  const objects = new Map<string, T>();
  const listeners: ((change: Change<T>) => void)[] = [];
  const search = query.labelSelector
    ? `?labelSelector=${encodeURIComponent(query.labelSelector)}`
    : "";
  const listed = Promise.withResolvers<void>();
  let stopped = false;

  const informer = makeInformer<ClientObject>(
    cluster,
    path,
    (async () => {
      const list = await api.get<Listed<T>>(path + search);
      // Its items reach `set` after this function, in one go.
      setImmediate(listed.resolve);
      return list;
    }) as never,
    query.labelSelector,
  );
  const key = ({ metadata }: T) => `${metadata.namespace}/${metadata.name}`;
  const tell = (change: Change<T>) => {
    for (const listener of listeners) listener(change);
  };
  const set = (object: T) => {
    // Who wrote which field is not needed here, and is often the largest part of the object.
    delete (object.metadata as { managedFields?: unknown }).managedFields;
    const old = objects.get(key(object));
    objects.set(key(object), object);
    tell({ ...(old ? { old } : {}), now: object });
  };
  informer.on("add", (object) => set(object as unknown as T));
  informer.on("update", (object) => set(object as unknown as T));
  informer.on("delete", (object) => {
    const gone = object as unknown as T;
    const old = objects.get(key(gone)) ?? gone;
    objects.delete(key(gone));
    tell({ old });
  });
  informer.on("error", (error: unknown) => {
    if (stopped) return;
    log.warn(
      `watching ${path} broke off: ${String((error as Error)?.message ?? error)}; trying again`,
    );
    setTimeout(() => {
      if (!stopped) void informer.start();
    }, retryMs);
  });
  await informer.start();
  await listed.promise;
  return {
    list: (namespace) =>
      namespace === undefined
        ? [...objects.values()]
        : [...objects.values()].filter(
            ({ metadata }) => metadata.namespace === namespace,
          ),
    get: (namespace, name) => objects.get(`${namespace}/${name}`),
    onChange: (listener) => {
      listeners.push(listener);
      for (const now of objects.values()) listener({ now });
    },
    stop: async () => {
      stopped = true;
      await informer.stop();
    },
  };
}
