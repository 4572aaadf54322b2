/** The webhook's decision on one pod: a pure function from an admission review to its answer (docs/protocol/kubernetes.md). */
import { appIdProblem, readAnnotations, wantsSidecar } from "../annotations.ts";
import type { Pod } from "../api/objects.ts";
import type { InjectorConfig, InjectorState } from "./config.ts";
import {
  hasSidecar,
  noSidecarPatch,
  podPatch,
  type PatchOperation,
} from "./pod-patch.ts";

export interface AdmissionReview {
  apiVersion: string;
  kind: string;
  request: {
    uid: string;
    kind: { kind: string };
    namespace?: string;
    userInfo: { username?: string; groups?: string[] };
    object: unknown;
  };
}

export interface AdmissionAnswer {
  apiVersion: string;
  kind: string;
  response: {
    uid: string;
    allowed: boolean;
    status?: { message: string; reason?: string; code?: number };
    /** kubectl prints these to the user who created the object. */
    warnings?: string[];
    patchType?: "JSONPatch";
    /** Base64 of the JSON patch. */
    patch?: string;
  };
}

export interface Mutation {
  answer: AdmissionAnswer;
  outcome: "not asked" | "not allowed" | "there already" | "refused" | "added";
  /** Namespace and name, for the log. */
  pod: string;
  appId: string;
  /** What was wrong with annotations that were ignored. */
  warnings: string[];
}

export function mutate(
  review: AdmissionReview,
  config: InjectorConfig,
  state: InjectorState,
): Mutation {
  const { apiVersion, kind, request } = review;
  const allow = (more: Partial<AdmissionAnswer["response"]> = {}) => ({
    apiVersion,
    kind,
    response: { uid: request.uid, allowed: true, ...more },
  });
  const change = (operations: PatchOperation[]) =>
    allow({
      patchType: "JSONPatch",
      patch: Buffer.from(JSON.stringify(operations)).toString("base64"),
      ...(warnings.length > 0 ? { warnings } : {}),
    });
  const pod = request.object as Pod;
  const warnings: string[] = [];
  const metadata = pod?.metadata ?? {};
  const named = metadata.name ?? `${metadata.generateName ?? ""}*`;
  const namespace = request.namespace ?? metadata.namespace ?? "default";
  const appId = readAnnotations(metadata).text("app-id") ?? metadata.name ?? "";
  const seen = { pod: `${namespace}/${named}`, appId, warnings };

  if (request.kind.kind !== "Pod" || !wantsSidecar(metadata))
    return { ...seen, outcome: "not asked", answer: allow() };
  if (hasSidecar(pod))
    return { ...seen, outcome: "there already", answer: allow() };
  if (!isAllowed(request.userInfo, config)) {
    const reason = `no sidecar was added, because ${request.userInfo.username || "an unknown user"} is not among the accounts that may create pods with one; add it to ALLOWED_SERVICE_ACCOUNTS of the injector and make the pod anew, or let a Deployment create it`;
    warnings.push(`dapr.io/enabled: ${reason}`);
    const answer = change(noSidecarPatch(pod, reason));
    return { ...seen, outcome: "not allowed", answer };
  }
  const problem = appIdProblem(appId);
  if (problem) {
    const answer = allow({
      allowed: false,
      status: { message: problem, reason: "Invalid", code: 422 },
    });
    return { ...seen, outcome: "refused", answer };
  }
  const patch = podPatch(pod, appId, namespace, config, state, (warning) =>
    warnings.push(warning),
  );
  return { ...seen, outcome: "added", answer: change(patch) };
}

/**
 * Whether it is a service account of the list, or an administrator. The original also resolves the
 * accounts to UIDs at its start. The API server vouches for the name, so that adds nothing.
 */
function isAllowed(
  user: AdmissionReview["request"]["userInfo"],
  config: InjectorConfig,
): boolean {
  if (user.groups?.includes("system:masters")) return true;
  const account = /^system:serviceaccount:([^:]+:[^:]+)$/.exec(
    user.username ?? "",
  )?.[1];
  return (
    account !== undefined &&
    config.allowedAccounts.some((pattern) => matches(pattern, account))
  );
}

function matches(pattern: string, account: string): boolean {
  const parts = pattern
    .split("*")
    .map((part) => part.replaceAll(/[\\^$.+?()[\]{}|]/g, "\\$&"));
  return new RegExp(`^${parts.join("[^:]*")}$`).test(account);
}
