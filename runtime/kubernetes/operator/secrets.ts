/** Puts the secrets of the store `kubernetes` into an object before a sidecar gets it, as base64 (docs/protocol/kubernetes.md). */
import { isNotFound, type KubeApi } from "../api/client.ts";
import type { Secret } from "../api/objects.ts";
import type { DaprObject } from "./resources.ts";

export type ReadSecret = (namespace: string, name: string) => Promise<Secret>;

/** A Secret's name as Kubernetes accepts it: labels of letters and digits, joined by dots. */
const secretName =
  /^(?=.{1,253}$)[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;

/** Rejects with what to do about it. */
export const secretReader =
  (api: KubeApi): ReadSecret =>
  async (namespace, name) => {
    // It becomes a part of a path.
    if (!secretName.test(name))
      throw new Error(
        `secretKeyRef.name ${JSON.stringify(name)} can't be the name of a Secret: correct it (lower-case letters, digits, "-" and ".", beginning and ending with a letter or digit)`,
      );
    try {
      return await api.get<Secret>(
        `/api/v1/namespaces/${namespace}/secrets/${name}`,
      );
    } catch (error) {
      throw new Error(
        isNotFound(error)
          ? `Secret ${namespace}/${name} does not exist: create it`
          : `Secret ${namespace}/${name} can't be read: ${(error as Error).message}`,
        { cause: error },
      );
    }
  };

interface Item {
  name?: string;
  value?: unknown;
  secretKeyRef?: {
    name?: string;
    key?: string;
    /** Why there is no value; the sidecar tells its user. The schema does not let a user write this field. */
    problem?: string;
  };
}

export interface Resolved {
  /** A copy in which each `secretKeyRef` is resolved or has its `problem`; the object itself if there is none. */
  object: DaprObject;
  /** Why some are not resolved; "" = all are. */
  problem: string;
}

/** Never rejects: a missing Secret concerns only the object that asks for it. */
export async function resolveSecrets(
  object: DaprObject,
  read: ReadSecret,
): Promise<Resolved> {
  const store = object.auth?.secretStore ?? "";
  if (store !== "" && store !== "kubernetes") return { object, problem: "" };
  const namespace = object.metadata.namespace ?? "default";
  const secrets = new Map<string, Promise<Secret>>();
  const problems = new Set<string>();
  const resolve = async (item: Item): Promise<Item> => {
    const { name, key = name } = item.secretKeyRef ?? {};
    if (!name) return item;
    if (!secrets.has(name)) secrets.set(name, read(namespace, name));
    try {
      const data = (await secrets.get(name))?.data ?? {};
      if (!Object.hasOwn(data, key as string))
        throw new Error(
          `Secret ${namespace}/${name} has no key "${key}": add it`,
        );
      return { ...item, value: data[key as string] };
    } catch (error) {
      const problem = (error as Error).message;
      problems.add(problem);
      return { ...item, secretKeyRef: { ...item.secretKeyRef, problem } };
    }
  };

  const { spec } = object;
  const resolved: Record<string, unknown> = {};
  // Components keep them in metadata, HTTP endpoints in headers.
  for (const field of ["metadata", "headers"]) {
    const items = spec?.[field];
    if (Array.isArray(items) && items.some(refersToSecret))
      resolved[field] = await Promise.all((items as Item[]).map(resolve));
  }
  const tls = spec?.["clientTLS"];
  if (tls && typeof tls === "object") {
    const parts = await Promise.all(
      Object.entries(tls).map(async ([part, item]) => [
        part,
        refersToSecret(item) ? await resolve(item as Item) : item,
      ]),
    );
    resolved["clientTLS"] = Object.fromEntries(parts);
  }
  return {
    object:
      Object.keys(resolved).length > 0
        ? { ...object, spec: { ...spec, ...resolved } }
        : object,
    problem: [...problems].join("; "),
  };
}

const refersToSecret = (item: unknown): boolean =>
  Boolean((item as Item | null)?.secretKeyRef?.name);
