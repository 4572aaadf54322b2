/**
 * Who calls the operator: Kubernetes reviews the token and names the pod it was made for; namespace and app id are
 * those of the pod, whatever the caller says (as Sentry's validator does, spec kubernetes §4).
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
  /** `authorization` metadata → caller. Rejects with {@link CallerError}. */
  identify(authorization: string | undefined): Promise<Caller>;
}

interface TokenReview {
  status?: {
    authenticated?: boolean;
    error?: string;
    /** Those of the asked ones that the token is for; none where the API server knows no audiences. */
    audiences?: string[];
    user?: { username?: string; extra?: Record<string, string[]> };
  };
}

/** A sidecar makes about ten calls when it starts. */
const rememberMs = 60_000;
/** What a refused token costs Kubernetes, however often it comes: a review each time this is over. */
const refusedMs = 10_000;
/** Of each kind; what anybody can send must not fill the memory. */
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
    // Without audiences the API server took the token for one of its own, for whomever it was made.
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

/** Values by key, each for so long; of too many the oldest go. */
function remembered<T>(forMs: number) {
  const entries = new Map<string, { value: T; until: number }>();
  return {
    get(key: string): T | undefined {
      const nowMs = performance.now();
      // In the order in which they came, which is that in which they go.
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
