/**
 * Single requests to the Kubernetes API from inside a cluster. Node's own HTTPS client and nothing more: the client library takes
 * 25 MB of memory, and only the operator's informers need it.
 */
import { readFileSync } from "node:fs";
import { Agent, request } from "node:https";

export interface KubeApi {
  get<T>(path: string): Promise<T>;
  /** Only name, labels, annotations and the like of each object. */
  listMetadata<T>(path: string): Promise<T>;
  create<T>(path: string, body: unknown): Promise<T>;
  /** Refused with 409 when the object is not of the body's resourceVersion any more. */
  replace<T>(path: string, body: unknown): Promise<T>;
  /** A JSON patch (RFC 6902). */
  patch<T>(path: string, operations: unknown[]): Promise<T>;
  /** Deletes the object only if it still has this uid. */
  remove(path: string, uid: string): Promise<void>;
}

/** What the API server answered instead of the object; `status` 0 when there was no answer. */
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
  const agent = new Agent({
    keepAlive: true,
    ca: readFileSync(`${folder}/ca.crt`),
  });
  let token = { text: "", readAt: -Infinity };
  const bearer = () => {
    if (performance.now() - token.readAt > tokenAgeMs)
      token = {
        text: readFileSync(`${folder}/token`, "utf8").trim(),
        readAt: performance.now(),
      };
    return token.text;
  };

  const call = <T>(
    method: string,
    path: string,
    body?: unknown,
    headers: Record<string, string> = {},
  ) =>
    new Promise<T>((resolve, reject) => {
      const fail = (status: number, reason: string) =>
        reject(new KubeError(`${method} ${path}`, status, reason));
      const payload =
        body === undefined ? undefined : Buffer.from(JSON.stringify(body));
      const sent = request(
        {
          host,
          port,
          path,
          method,
          agent,
          timeout: timeoutMs,
          headers: {
            accept: "application/json",
            authorization: `Bearer ${bearer()}`,
            // Node gives a DELETE's body no length by itself.
            ...(payload
              ? {
                  "content-type": "application/json",
                  "content-length": payload.length,
                }
              : {}),
            ...headers,
          },
        },
        (response) => {
          const chunks: Buffer[] = [];
          response.on("data", (chunk: Buffer) => chunks.push(chunk));
          response.on("error", (error) => fail(0, error.message));
          response.on("end", () => {
            const text = Buffer.concat(chunks).toString("utf8");
            const status = response.statusCode ?? 0;
            if (status >= 300) return fail(status, reasonOf(text));
            try {
              resolve(JSON.parse(text) as T);
            } catch {
              fail(status, "the answer is not JSON");
            }
          });
        },
      );
      sent.on("timeout", () =>
        sent.destroy(new Error(`no answer within ${timeoutMs} ms`)),
      );
      sent.on("error", (error) => fail(0, error.message));
      sent.end(payload);
    });

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

/** A `Status` says it in `message`. */
function reasonOf(text: string): string {
  try {
    const { message } = JSON.parse(text) as { message?: string };
    return message ?? text;
  } catch {
    return text.slice(0, 200);
  }
}
