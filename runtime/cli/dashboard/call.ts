/** What the page's forms ask of a sidecar: publish, invoke, state and bindings, and nothing else. */
import type { IncomingMessage } from "node:http";
import { isUtf8 } from "node:buffer";
import { send } from "../instances/sidecar-http.ts";
import { isCallableName } from "./callable-name.ts";
import type { CallAnswer, CallRequest } from "./messages.ts";
import type { Sidecar } from "./sidecar.ts";

const methods = ["GET", "POST", "PUT", "DELETE", "PATCH"];
const maxAnswerBytes = 1024 * 1024;

/** Why a body is no request; undefined if it is one. */
export function wrongCall(given: unknown): string | undefined {
  if (typeof given !== "object" || given === null)
    return "The body has to be an object with appId, method and path.";
  const { appId, sidecar, method, path, contentType, body } = given as Record<
    string,
    unknown
  >;
  if (typeof appId !== "string") return "appId has to be a text.";
  if (sidecar !== undefined && typeof sidecar !== "string")
    return "sidecar has to be a text.";
  if (!methods.includes(method as string))
    return `method has to be one of ${methods.join(", ")}.`;
  if (typeof path !== "string" || !isAllowed(path))
    return "path has to be one of publish, invoke, state or bindings of /v1.0, without spaces and dot segments.";
  if (isByUrl(path))
    return "path has to name an app, or an HTTPEndpoint by its name, behind invoke: a URL is not called from here.";
  if (
    contentType !== undefined &&
    (typeof contentType !== "string" || !/^[ -~]*$/.test(contentType))
  )
    return "contentType has to be a text of printable ASCII characters.";
  if (body !== undefined && typeof body !== "string")
    return "body has to be a text.";
  return undefined;
}

/** A URL's reader turns `..`, `%2e%2e` and backslashes into other paths, so a path that it would change is refused. */
function isAllowed(path: string): boolean {
  const read = URL.parse(path, "http://localhost");
  return (
    /^\/v1\.0\/(?:publish|invoke|state|bindings)\/[^/?#]/.test(path) &&
    /^[!-~]+$/.test(path) &&
    read?.host === "localhost" &&
    read.hash === "" &&
    read.pathname + read.search === path
  );
}

/** Whether it invokes anything else than a name; in which spelling does not matter. */
function isByUrl(path: string): boolean {
  if (!path.startsWith("/v1.0/invoke/")) return false;
  const [, name] =
    /^\/v1\.0\/invoke\/([^/?]+)\/method(?:[/?]|$)/.exec(path) ?? [];
  if (name === undefined) return true;
  try {
    // A `+` is a space for the sidecar.
    return !isCallableName(decodeURIComponent(name));
  } catch {
    return true;
  }
}

/** Rejects if the sidecar does not answer. */
export async function callSidecar(
  sidecar: Sidecar,
  { method, path, contentType, body }: CallRequest,
  signal: AbortSignal,
): Promise<CallAnswer> {
  const startedMs = performance.now();
  const response = await send(await sidecar.reach(), {
    method,
    path,
    signal,
    ...(body === undefined ? {} : { body }),
    headers: contentType ? { "content-type": contentType } : {},
  });
  const { bytes, isCut } = await begin(response);
  return {
    status: response.statusCode!,
    contentType: response.headers["content-type"] ?? "",
    ...(isUtf8(bytes) || isCut
      ? { text: bytes.toString("utf8") }
      : { base64: bytes.toString("base64") }),
    isCut,
    ms: Math.round(performance.now() - startedMs),
  };
}

/** The first megabyte of an answer. The rest is not waited for: an answer may never end. */
async function begin(response: IncomingMessage) {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    chunks.push(chunk);
    length += chunk.length;
    if (length > maxAnswerBytes) break; // which destroys the response
  }
  return {
    bytes: Buffer.concat(chunks).subarray(0, maxAnswerBytes),
    isCut: length > maxAnswerBytes,
  };
}
