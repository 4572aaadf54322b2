/**
 * Who calls the operator. Kubernetes reviews the token and names the pod it was made for. Namespace and app id are
 * those of the pod, whatever the caller says (as in the original's Sentry).
 */
import { createHash } from "node:crypto";
import { readAnnotations } from "../annotations.ts";
import { isNotFound, KubeError, type KubeApi } from "../api/client.ts";
import type { Pod } from "../api/objects.ts";
import type { Caller } from "./resources.ts";

/** gRPC status codes. */
const unauthenticated = 16;
const permissionDenied = 7;
const unavailable = 14;

/** A caller that is not served; `code` is the gRPC status. */
export class CallerError extends Error {
  override name = "CallerError";
  readonly code: number;
  constructor(code: number, message: string) {
    super(message);
    this.code = code;
  }
}

export interface Callers {
  /** Finds the caller by the metadata `authorization`. Rejects with a {@link CallerError}. */
  identify(authorization: string | undefined): Promise<Caller>;
}

interface TokenReview {
  status?: {
    authenticated?: boolean;
    error?: string;
    /** The audiences, among those asked for, that the token is for; absent if the API server knows no audiences. */
    audiences?: string[];
    user?: { username?: string; extra?: Record<string, string[]> };
  };
}

/** A sidecar makes about ten calls when it starts. */
const rememberMs = 60_000;
/** A refused token is reviewed again only after this time, however often it comes. */
const refusedMs = 10_000;
/** The most entries of each kind, as anybody can send tokens and must not fill the memory. */
const maxRemembered = 10_000;

export function openCallers(api: KubeApi, audience: string): Callers {
  const known = remembered<Promise<Caller>>(rememberMs);
  const refused = remembered<CallerError>(refusedMs);

  const review = async (token: string): Promise<Caller> => {
    const { status } = await api.create<TokenReview>(
      "/apis/authentication.k8s.io/v1/tokenreviews",
      {
        apiVersion: "authentication.k8s.io/v1",
        kind: "TokenReview",
        spec: { token, audiences: [audience] },
      },
    );
    if (!status?.authenticated)
      throw new CallerError(
        unauthenticated,
        `the service account token is not valid: ${status?.error || "no reason given"}`,
      );
    // Without audiences the API server accepts any token of its own, whatever audience it was made for.
    if (!status.audiences?.includes(audience))
      throw new CallerError(
        unauthenticated,
        `the service account token is not for the control plane: it needs the audience ${audience}`,
      );
    const account = /^system:serviceaccount:([^:]+):([^:]+)$/.exec(
      status.user?.username ?? "",
    );
    const extra = (name: string) =>
      status.user?.extra?.[`authentication.kubernetes.io/${name}`]?.[0];
    const name = extra("pod-name");
    if (!account || !name)
      throw new CallerError(
        permissionDenied,
        `the token of ${status.user?.username} belongs to no pod`,
      );
    const [, namespace = "", accountName] = account;
    const pod = await readPod(namespace, name);
    if (pod.metadata.uid !== extra("pod-uid"))
      throw new CallerError(
        permissionDenied,
        `the token is of an earlier pod ${namespace}/${name}`,
      );
    if (pod.spec.serviceAccountName !== accountName)
      throw new CallerError(
        permissionDenied,
        `pod ${namespace}/${name} does not run as ${accountName}`,
      );
    const annotations = readAnnotations(pod.metadata);
    const config = annotations.text("config");
    return {
      namespace,
      pod: name,
      appId: annotations.text("app-id") || name,
      ...(config ? { config } : {}),
    };
  };

  const readPod = async (namespace: string, name: string): Promise<Pod> => {
    try {
      return await api.get<Pod>(`/api/v1/namespaces/${namespace}/pods/${name}`);
    } catch (error) {
      if (!isNotFound(error)) throw error;
      throw new CallerError(
        permissionDenied,
        `pod ${namespace}/${name} of the token is gone`,
      );
    }
  };

  return {
    identify: async (authorization) => {
      const token = /^Bearer (\S+)$/.exec(authorization ?? "")?.[1];
      if (!token)
        throw new CallerError(
          unauthenticated,
          'metadata "authorization: Bearer TOKEN" is missing: the token is the pod\'s service account token for the control plane',
        );
      const hash = createHash("sha256").update(token).digest("base64");
      const earlier = refused.get(hash);
      if (earlier) throw earlier;
      let caller = known.get(hash);
      if (!caller) known.set(hash, (caller = review(token)));
      try {
        return await caller;
      } catch (error) {
        known.delete(hash);
        if (error instanceof CallerError) refused.set(hash, error);
        if (error instanceof KubeError)
          throw new CallerError(
            unavailable,
            `Kubernetes did not review the token: ${error.message}`,
          );
        throw error;
      }
    },
  };
}

/** Keeps values by key for some time. If there are too many, the oldest are dropped. */
function remembered<T>(forMs: number) {
  const entries = new Map<string, { value: T; until: number }>();
  return {
    get(key: string): T | undefined {
      const nowMs = performance.now();
      // A map keeps the order in which entries came, so the oldest are first.
      for (const [old, { until }] of entries) {
        if (until >= nowMs) break;
        entries.delete(old);
      }
      return entries.get(key)?.value;
    },
    set(key: string, value: T) {
      entries.delete(key);
      entries.set(key, { value, until: performance.now() + forMs });
      if (entries.size > maxRemembered)
        entries.delete(entries.keys().next().value!);
    },
    delete: (key: string) => void entries.delete(key),
  };
}
