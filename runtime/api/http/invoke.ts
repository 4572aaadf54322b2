/** Service invocation over HTTP: whom a request is for, and its way there and back (docs/protocol/invocation.md). */
import type { Invocation } from "../../blocks/invocation/invocation.ts";
import { ApiError } from "../../contracts/errors.ts";
import { withoutBinary } from "../../shared/binary-names.ts";
import { fromHeaderValue } from "../../shared/header-text.ts";
import {
  BodyError,
  header,
  type ApiReply,
  type ApiRequest,
} from "./request.ts";
import type { DescribeUnknown } from "./unknown-path.ts";
import { checkEscapes, unescapeParam } from "./router.ts";

interface Target {
  /** App id, `app.namespace`, HTTPEndpoint name or URL; decoded. */
  id: string;
  /** The method's path as it came, with a leading slash. */
  path: string;
}

/** With a full stop, unless it is a question. */
const ended = (sentence: string) =>
  sentence.endsWith("?") ? sentence : `${sentence}.`;

/** Any path or method without a route of its own is a service invocation. */
export const createInvoke =
  (invocation: Pick<Invocation, "invoke">, describeUnknown: DescribeUnknown) =>
  async (request: ApiRequest): Promise<ApiReply> => {
    const target = findTarget(request);
    if (!target || request.method === "CONNECT")
      throw new ApiError("noInvokeTarget", [
        ended(describeUnknown(request.method, request.path)),
      ]);
    checkEscapes("method", target.path);
    const reply = await invocation.invoke(
      target.id,
      {
        method: request.method,
        path: request.query ? `${target.path}?${request.query}` : target.path,
        headers: withoutBinary(request.rawHeaders),
        body: await bodyOf(request, target.id),
      },
      request,
    );
    const { status, body } = reply;
    const headers = withoutBinary(reply.headers);
    if (status >= 400 && !hasType(headers))
      headers.push("content-type", "application/json");
    return { status, rawHeaders: headers, body };
  };

/** The app that a request calls: by the header, Basic credentials or the URL, in that order. */
export function findTarget(request: ApiRequest): Target | undefined {
  const { path } = request;
  const named = header(request, "dapr-app-id");
  if (named) return { id: fromHeaderValue(named), path };
  const basic = /^Basic (.+)$/.exec(header(request, "authorization") ?? "");
  if (basic) {
    const credentials = Buffer.from(basic[1]!, "base64").toString("utf8");
    const id = /^dapr-app-id:([^:]+)$/.exec(credentials)?.[1];
    if (id) return { id, path };
  }
  if (!path.startsWith("/v1.0/invoke/")) return undefined;
  const rest = path.slice("/v1.0/invoke/".length);
  const found = /^(.+?)\/method(?:\/|$)/.exec(rest);
  if (!found) return undefined;
  return { id: decodedId(found[1]!), path: "/" + rest.slice(found[0].length) };
}

function decodedId(text: string): string {
  // Cleaning the path removed one of the two slashes of a URL.
  const id = text.replace(/^(https?):\/(?!\/)/i, "$1://");
  return unescapeParam("id", id);
}

/** Only a short body is read here. If it breaks off, the app is not called. */
async function bodyOf(request: ApiRequest, id: string) {
  const body = request.passedBody();
  try {
    return body && (await body);
  } catch (error) {
    if (!(error instanceof BodyError)) throw error;
    throw new ApiError("directInvoke", [id, error.message], { cause: error });
  }
}

function hasType(headers: string[]): boolean {
  for (let i = 0; i < headers.length; i += 2)
    if (
      headers[i]!.length === 12 &&
      headers[i]!.toLowerCase() === "content-type"
    )
      return true;
  return false;
}
