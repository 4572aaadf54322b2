/**
 * Single requests to the Kubernetes API from inside a cluster. The client library takes 25 MB of memory, and only the operator's
 * informers need it.
 */
import { readFileSync } from "node:fs";
import { createExchanger } from "../../net/exchange.ts";
import { messageOf } from "../../shared/message-of.ts";

export interface KubeApi {
  get<T>(path: string): Promise<T>;
  /** Lists only the metadata of each object: name, labels, annotations. */
  listMetadata<T>(path: string): Promise<T>;
  create<T>(path: string, body: unknown): Promise<T>;
  /** Refused with 409 if the object has another resourceVersion than the body by now. */
  replace<T>(path: string, body: unknown): Promise<T>;
  /** A JSON patch (RFC 6902). */
  patch<T>(path: string, operations: unknown[]): Promise<T>;
  /** Deletes the object only if it still has this UID. */
  remove(path: string, uid: string): Promise<void>;
}

/** The API server's answer instead of the object; `status` is 0 if there was no answer. */
export class KubeError extends Error {
  override name = "KubeError";
  readonly status: number;
  constructor(what: string, status: number, reason: string) {
    super(`${what}: ${status ? `${status} ` : ""}${reason}`);
    this.status = status;
  }
}

export const isNotFound = (error: unknown): boolean =>
  error instanceof KubeError && error.status === 404;
export const isConflict = (error: unknown): boolean =>
  error instanceof KubeError && error.status === 409;

const account = "/var/run/secrets/kubernetes.io/serviceaccount";
const timeoutMs = 15_000;
/** The lists of a large cluster, metadata alone. */
const maxBytes = 512 * 1024 * 1024;
/** The kubelet renews the token long before it ends. */
const tokenAgeMs = 60_000;

/** Throws outside of a cluster, or in a pod without a service account token. */
export function inClusterApi(
  env: NodeJS.ProcessEnv = process.env,
  folder = account,
): KubeApi {
  const host = env["KUBERNETES_SERVICE_HOST"];
  const port = env["KUBERNETES_SERVICE_PORT"];
  if (!host || !port)
    throw new Error(
      "KUBERNETES_SERVICE_HOST is not set: the control plane runs in a Kubernetes pod only",
    );
  const server = createExchanger(
    `https://${host.includes(":") ? `[${host}]` : host}:${port}`,
    { ca: readFileSync(`${folder}/ca.crt`) },
  );
  let token = { text: "", readAt: -Infinity };
  const bearer = () => {
    if (performance.now() - token.readAt > tokenAgeMs)
      token = {
        text: readFileSync(`${folder}/token`, "utf8").trim(),
        readAt: performance.now(),
      };
    return token.text;
  };

  async function call<T>(
    method: string,
    path: string,
    body?: unknown,
    headers: Record<string, string> = {},
  ): Promise<T> {
    const failure = (status: number, reason: string) =>
      new KubeError(`${method} ${path}`, status, reason);
    const { status, text } = await server
      .ask(path, {
        method,
        headers: {
          accept: "application/json",
          authorization: `Bearer ${bearer()}`,
          ...(body === undefined ? {} : { "content-type": "application/json" }),
          ...headers,
        },
        body: body === undefined ? undefined : JSON.stringify(body),
        timeoutMs,
        maxBytes,
      })
      .catch((error: unknown) => {
        throw failure(0, messageOf(error));
      });
    if (status >= 300) throw failure(status, reasonOf(text));
    try {
      return JSON.parse(text) as T;
    } catch {
      throw failure(status, "the answer is not JSON");
    }
  }

  return {
    get: (path) => call("GET", path),
    listMetadata: (path) =>
      call("GET", path, undefined, {
        accept:
          "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1",
      }),
    create: (path, body) => call("POST", path, body),
    replace: (path, body) => call("PUT", path, body),
    patch: (path, operations) =>
      call("PATCH", path, operations, {
        "content-type": "application/json-patch+json",
      }),
    remove: async (path, uid) => {
      await call("DELETE", path, {
        apiVersion: "v1",
        kind: "DeleteOptions",
        preconditions: { uid },
      });
    },
  };
}

/** The `message` of a `Status`. */
function reasonOf(text: string): string {
  try {
    const { message } = JSON.parse(text) as { message?: string };
    return message ?? text;
  } catch {
    return text.slice(0, 200);
  }
}
