/** What the forms send: calls of the sidecar's HTTP API. */
import { isCallableName } from "../../callable-name.ts";
import type { CallRequest } from "../../messages.ts";

export type FormRequest = Omit<CallRequest, "appId" | "sidecar">;

const json = "application/json";
/** Throws on a part that a URL would take for a step in the tree of paths. */
function path(...parts: string[]): string {
  const steps = parts.find((part) => part === "." || part === "..");
  if (steps) throw new Error(`"${steps}" can't be a name, a topic or a key.`);
  return `/v1.0/${parts.map(encodeURIComponent).join("/")}`;
}

export const publishRequest = (typed: {
  pubsub: string;
  topic: string;
  contentType: string;
  data: string;
}): FormRequest => ({
  method: "POST",
  // A topic may have slashes.
  path: path("publish", typed.pubsub, ...typed.topic.split("/")),
  contentType: typed.contentType,
  body: typed.data,
});

/** Throws what is wrong with the app's name or the method. */
export function invokeRequest(typed: {
  target: string;
  verb: string;
  method: string;
  data: string;
}): FormRequest {
  const target = typed.target.trim();
  if (!isCallableName(target))
    throw new Error(
      `"${target}" can't be called: give the ID of an app, with its namespace behind a dot or without, or the name of an HTTPEndpoint. URLs are not called from here.`,
    );
  const hasBody = typed.verb !== "GET" && typed.data !== "";
  return {
    method: typed.verb,
    path: `${path("invoke", target, "method")}/${methodPath(typed.method)}`,
    ...(hasBody ? { contentType: json, body: typed.data } : {}),
  };
}

/** It was typed by hand: what a URL can't hold is escaped; existing escapes and the query stay. */
function methodPath(typed: string): string {
  const method = typed.trim().replace(/^\/+/, "").replaceAll("\\", "%5C");
  const wrong = (why: string) =>
    new Error(
      `"${typed}" is no method: ${why}. A method is a path of the app, with or without a query, such as neworder or orders/7?full=true.`,
    );
  if (method.includes("#"))
    throw wrong("what follows a # is never sent; write %23 for the sign");
  const [names = ""] = method.split("?", 1);
  if (names.split("/").some((name) => /^(?:\.|%2e){1,2}$/i.test(name)))
    throw wrong("it can't have . or .. as a part");
  const { pathname, search } = new URL(`http://localhost/${method}`);
  return `${pathname.slice(1)}${search}`;
}

/** `value`: JSON, or any other text, which is saved as a text. */
export const saveRequest = (typed: {
  store: string;
  key: string;
  value: string;
}): FormRequest => ({
  method: "POST",
  path: path("state", typed.store),
  contentType: json,
  body: `[{"key":${JSON.stringify(typed.key)},"value":${jsonOf(typed.value)}}]`,
});

export const readRequest = (store: string, key: string): FormRequest => ({
  method: "GET",
  path: path("state", store, key),
});

/** The store keeps `app||key`; the API adds that part itself. */
export const plainKey = (key: string): string =>
  key.includes("||") ? key.slice(key.indexOf("||") + 2) : key;

/** `metadata`: a JSON object of texts, or nothing. Throws if it is something else. */
export function bindingRequest(typed: {
  binding: string;
  operation: string;
  data: string;
  metadata: string;
}): FormRequest {
  const metadata = typed.metadata.trim();
  if (metadata && !isObject(metadata))
    throw new Error('Metadata has to be a JSON object, say {"key": "1"}.');
  return {
    method: "POST",
    path: path("bindings", typed.binding),
    contentType: json,
    body: `{"operation":${JSON.stringify(typed.operation)}${typed.data === "" ? "" : `,"data":${jsonOf(typed.data)}`}${metadata ? `,"metadata":${metadata}` : ""}}`,
  };
}

/** JSON as it was typed: large numbers keep their digits. */
function jsonOf(text: string): string {
  try {
    JSON.parse(text);
    return text;
  } catch {
    return JSON.stringify(text); // a text without quotes
  }
}

function isObject(text: string): boolean {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null && !Array.isArray(value);
  } catch {
    return false;
  }
}
