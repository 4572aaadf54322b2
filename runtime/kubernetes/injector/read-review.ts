/** Reads what is posted to the webhook. Whoever reaches its port can send anything. */
import type { AdmissionReview } from "./mutate.ts";

/** What was sent is no AdmissionReview, or a part of it is wrong; the message names the part. */
export class ReviewError extends Error {
  override name = "ReviewError";
}

/** Throws a {@link ReviewError} if {@link check} finds another type than the decision relies on. */
type Check = (value: unknown, path: string) => void;

const fail = (path: string, what: string): never => {
  throw new ReviewError(`${path || "it"} is not ${what}`);
};
const text: Check = (value, path) => {
  if (typeof value !== "string") fail(path, "a string");
};
const anything: Check = () => {};
/** Go leaves out empty values, or writes null. */
const optional =
  (check: Check): Check =>
  (value, path) => {
    if (value !== undefined && value !== null) check(value, path);
  };
const list =
  (check: Check): Check =>
  (value, path) => {
    if (!Array.isArray(value)) return fail(path, "a list");
    value.forEach((item, index) => check(item, `${path}[${index}]`));
  };
const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);
const object =
  (parts: Record<string, Check>): Check =>
  (value, path) => {
    if (!isObject(value)) return fail(path, "an object");
    for (const [name, check] of Object.entries(parts))
      check(
        Object.hasOwn(value, name) ? value[name] : undefined,
        path ? `${path}.${name}` : name,
      );
  };
const texts: Check = (value, path) => {
  if (!isObject(value)) return fail(path, "an object");
  for (const [name, item] of Object.entries(value))
    text(item, `${path}[${JSON.stringify(name)}]`);
};

const named = optional(list(object({ name: text })));
const containers = optional(
  list(object({ name: text, env: named, volumeMounts: named })),
);
const checkReview = object({
  apiVersion: text,
  kind: text,
  request: object({
    uid: text,
    kind: object({ kind: text }),
    namespace: optional(text),
    userInfo: object({
      username: optional(text),
      groups: optional(list(text)),
    }),
    object: anything,
  }),
});
const checkPod = object({
  metadata: object({
    name: optional(text),
    generateName: optional(text),
    namespace: optional(text),
    annotations: optional(texts),
    labels: optional(texts),
  }),
  spec: object({ containers, initContainers: containers, volumes: named }),
});

/** Throws a {@link ReviewError}. */
export function readReview(body: string): AdmissionReview {
  let review: unknown;
  try {
    review = JSON.parse(body);
  } catch (error) {
    throw new ReviewError("it is not JSON", { cause: error });
  }
  checkReview(review, "");
  const { request } = review as AdmissionReview;
  if (request.kind.kind === "Pod") checkPod(request.object, "request.object");
  return review as AdmissionReview;
}
