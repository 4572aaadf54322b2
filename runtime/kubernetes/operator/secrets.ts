/** Puts the secrets of the store `kubernetes` into an object before a sidecar gets it, as base64 (spec kubernetes §3). */
import { isNotFound, type KubeApi } from "../kube-api.ts";
import type { Secret } from "../objects.ts";
import type { DaprObject } from "./resources.ts";

/** A Secret, or a key of it, that is not there (yet). */
export class MissingSecret extends Error {
  override name = "MissingSecret";
}

export type ReadSecret = (namespace: string, name: string) => Promise<Secret>;

/** Rejects with {@link MissingSecret}, or as the API does. */
export const secretReader =
  (api: KubeApi): ReadSecret =>
  async (namespace, name) => {
    try {
      return await api.get<Secret>(
        `/api/v1/namespaces/${namespace}/secrets/${name}`,
      );
    } catch (error) {
      if (!isNotFound(error)) throw error;
      throw new MissingSecret(`Secret ${namespace}/${name} does not exist`);
    }
  };

interface Item {
  name?: string;
  value?: unknown;
  secretKeyRef?: { name?: string; key?: string };
}

/** A copy with all `secretKeyRef`s resolved; the object itself if there is none to resolve. */
export async function resolveSecrets(
  object: DaprObject,
  read: ReadSecret,
): Promise<DaprObject> {
  const store = object.auth?.secretStore ?? "";
  if (store !== "" && store !== "kubernetes") return object;
  const namespace = object.metadata.namespace ?? "default";
  const secrets = new Map<string, Promise<Secret>>();
  const resolve = async (item: Item): Promise<Item> => {
    const { name, key = name } = item.secretKeyRef ?? {};
    if (!name) return item;
    if (!secrets.has(name)) secrets.set(name, read(namespace, name));
    const secret = (await secrets.get(name)) as Secret;
    const value = secret.data?.[key as string];
    if (value === undefined)
      throw new MissingSecret(
        `Secret ${namespace}/${name} has no key "${key}" for "${item.name}"`,
      );
    return { ...item, value };
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
  return Object.keys(resolved).length > 0
    ? { ...object, spec: { ...spec, ...resolved } }
    : object;
}

const refersToSecret = (item: unknown): boolean =>
  Boolean((item as Item | null)?.secretKeyRef?.name);
