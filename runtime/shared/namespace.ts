/**
 * The namespace of a sidecar: the environment's `NAMESPACE`, which the injector
 * sets in a cluster. Other sidecars find it in `default` where there is none.
 */
type Env = Readonly<Record<string, string | undefined>>;

/** Empty where there is none. */
export const givenNamespace = (env: Env): string => env["NAMESPACE"] ?? "";

/** As other sidecars know it. */
export const ownNamespace = (env: Env): string =>
  givenNamespace(env) || "default";

/** Whether a resource of the namespace that it names, or of none, is this sidecar's. */
export const isOwn = (namespace: string, env: Env): boolean =>
  namespace === "" ||
  givenNamespace(env) === "" ||
  namespace === givenNamespace(env);
