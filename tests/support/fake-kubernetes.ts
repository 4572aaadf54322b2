/** A Kubernetes API in memory with what the control plane needs: objects by path, conflicts by resourceVersion. */
import {
  KubeError,
  type KubeApi,
} from "../../runtime/kubernetes/api/client.ts";
import type { KubernetesObject } from "../../runtime/kubernetes/api/objects.ts";
import type {
  Change,
  ResourceCache,
} from "../../runtime/kubernetes/operator/resource-cache.ts";

export interface FakeApi extends KubeApi {
  objects: Map<string, KubernetesObject>;
  /** `METHOD PATH` of every call. */
  calls: string[];
  /** Paths with an answer of their own, e.g. a list or a TokenReview. */
  answers: Map<string, (body?: unknown) => unknown>;
}

export function fakeApi(objects: Record<string, object> = {}): FakeApi {
  let version = 0;
  const stamped = (object: object) => {
    const { metadata } = object as KubernetesObject;
    const resourceVersion = String(++version);
    return {
      ...object,
      metadata: { ...metadata, resourceVersion },
    } as KubernetesObject;
  };
  const api: FakeApi = {
    objects: new Map(
      Object.entries(objects).map(([path, object]) => [path, stamped(object)]),
    ),
    calls: [],
    answers: new Map(),
    get: async (path) => read("GET", path) as never,
    listMetadata: async (path) => read("GET", path) as never,
    create: async (path, body) => {
      const answer = api.answers.get(path);
      if (answer) return (record("POST", path), answer(body)) as never;
      const full = `${path}/${(body as KubernetesObject).metadata.name}`;
      record("POST", full);
      if (api.objects.has(full))
        throw new KubeError(`POST ${path}`, 409, "already exists");
      api.objects.set(full, stamped(body as object));
      return api.objects.get(full) as never;
    },
    replace: async (path, body) => {
      const have = read("PUT", path) as KubernetesObject;
      const { resourceVersion } = (body as KubernetesObject).metadata;
      if (resourceVersion !== have.metadata.resourceVersion)
        throw new KubeError(`PUT ${path}`, 409, "the object has been modified");
      api.objects.set(path, stamped(body as object));
      return api.objects.get(path) as never;
    },
    patch: async (path, operations) => {
      record("PATCH", `${path} ${JSON.stringify(operations)}`);
      return {} as never;
    },
    remove: async (path) => {
      read("DELETE", path);
      api.objects.delete(path);
    },
  };
  const record = (method: string, path: string) =>
    void api.calls.push(`${method} ${path}`);
  const read = (method: string, path: string) => {
    record(method, path);
    const answer = api.answers.get(path);
    if (answer) return answer();
    const object = api.objects.get(path);
    if (!object) throw new KubeError(`${method} ${path}`, 404, "not found");
    return object;
  };
  return api;
}

export interface FakeCache<
  T extends KubernetesObject,
> extends ResourceCache<T> {
  set(object: T): void;
  remove(namespace: string, name: string): void;
}

export function fakeCache<T extends KubernetesObject>(
  ...first: T[]
): FakeCache<T> {
  const objects = new Map<string, T>();
  const listeners: ((change: Change<T>) => void)[] = [];
  let version = 0;
  const tell = (change: Change<T>) => {
    for (const listener of listeners) listener(change);
  };
  const cache: FakeCache<T> = {
    list: (namespace) =>
      [...objects.values()].filter(
        ({ metadata }) =>
          namespace === undefined || metadata.namespace === namespace,
      ),
    get: (namespace, name) => objects.get(`${namespace}/${name}`),
    onChange: (listener) => {
      listeners.push(listener);
      for (const now of objects.values()) listener({ now });
    },
    stop: async () => {},
    set: (object) => {
      const { namespace, name } = object.metadata;
      const key = `${namespace}/${name}`;
      const old = objects.get(key);
      const resourceVersion =
        object.metadata.resourceVersion ?? `c${++version}`;
      const now = {
        ...object,
        metadata: { ...object.metadata, resourceVersion },
      };
      objects.set(key, now);
      tell({ ...(old ? { old } : {}), now });
    },
    remove: (namespace, name) => {
      const old = objects.get(`${namespace}/${name}`) as T;
      objects.delete(`${namespace}/${name}`);
      tell({ old });
    },
  };
  for (const object of first) cache.set(object);
  return cache;
}
