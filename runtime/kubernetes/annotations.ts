/** Reads `dapr.io/…` annotations: strings, of which some are numbers or switches (docs/protocol/kubernetes.md). */
import { isFalsy, isTruthy } from "../shared/units.ts";
import { annotation, appService } from "./names.ts";
import type { ObjectMeta } from "./api/objects.ts";

export interface Annotations {
  /** The text as given, even if it is empty; undefined only if the key is absent. */
  text(name: string): string | undefined;
  /** `fallback` if it is absent, or no whole number of 32 bits; the latter is a warning. */
  number(name: string, fallback: number): number;
  /** As `number`, for 1 to 65535. */
  port(name: string, fallback: number): number;
  /** As `number`, without a default. */
  optionalNumber(name: string): number | undefined;
  /** True for y, yes, true, t, on and 1. Anything else is false, with a warning if it is no word for false. */
  truthy(name: string, fallback: boolean): boolean;
  has(name: string): boolean;
}

export function readAnnotations(
  metadata: ObjectMeta | undefined,
  warn: (message: string) => void = () => {},
): Annotations {
  const all = metadata?.annotations ?? {};
  const text = (name: string) => all[annotation(name)];
  const optionalNumber = (name: string) => {
    const value = text(name);
    if (value === undefined) return undefined;
    const isWhole = /^[+-]?\d+$/.test(value);
    if (isWhole && Number(value) === (Number(value) | 0)) return Number(value);
    warn(
      `annotation ${annotation(name)}: "${value}" is ${isWhole ? "out of range" : "not a whole number"}; ignored`,
    );
    return undefined;
  };
  return {
    text,
    optionalNumber,
    number: (name, fallback) => optionalNumber(name) ?? fallback,
    port: (name, fallback) => {
      const value = optionalNumber(name) ?? fallback;
      if (value === fallback || (value >= 1 && value <= 65535)) return value;
      warn(
        `annotation ${annotation(name)}: "${text(name)}" is not a port (1-65535); ignored`,
      );
      return fallback;
    },
    truthy: (name, fallback) => {
      const value = text(name);
      if (value === undefined) return fallback;
      if (!isTruthy(value) && !isFalsy(value))
        warn(
          `annotation ${annotation(name)}: "${value}" is neither true nor false; taken as false`,
        );
      return isTruthy(value);
    },
    has: (name) => text(name) !== undefined,
  };
}

/**
 * Whether the webhook adds a sidecar. It is stricter than the operator: only `true`
 * counts, in any case (the original's rule since 1.17.3).
 */
export const wantsSidecar = (metadata: ObjectMeta | undefined): boolean =>
  readAnnotations(metadata).text("enabled")?.toLowerCase() === "true";

/** Why an app id can't be one in Kubernetes, where `ID-dapr` names a Service (a label of RFC 1035); undefined if it can. */
export function appIdProblem(appId: string): string | undefined {
  if (appId === "")
    return 'annotation dapr.io/app-id is missing or empty: set it to the app\'s name, e.g. "orders"';
  if (/^[a-z]([-a-z0-9]*[a-z0-9])?$/.test(appId) && appId.length <= 58)
    return undefined;
  return `annotation dapr.io/app-id: "${appId}" can't be an app id: the Service ${appService(appId)} needs a name of lower-case letters, digits and "-" that begins with a letter, and the id has at most 58 characters and ends with a letter or digit`;
}
