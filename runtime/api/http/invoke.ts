/** Service invocation over HTTP (spec api §4). */
import type { Invocation } from "../../blocks/invocation.ts";
import { ApiError } from "../../errors.ts";
import { header, type Handler } from "./request.ts";

/**
 * Any other path or method is a service invocation; its target stands in the
 * header, in Basic credentials or in the URL, in that order (spec api §4).
 */
export const createInvoke =
  (_invocation: Invocation): Handler =>
  (request) => {
    const target = invokeTarget(
      header(request, "dapr-app-id"),
      header(request, "authorization"),
      request.path,
    );
    if (!target) throw new ApiError("noInvokeTarget");
    throw new ApiError("directInvoke", [
      target,
      "service invocation is not available in this version of the sidecar",
    ]);
  };

function invokeTarget(
  appId: string | undefined,
  authorization: string | undefined,
  path: string,
): string | undefined {
  if (appId) return appId;
  const basic = /^Basic (.+)$/.exec(authorization ?? "");
  const named =
    basic &&
    /^dapr-app-id:(.+)$/.exec(Buffer.from(basic[1]!, "base64").toString());
  if (named) return named[1];
  const byPath = /^\/v1\.0\/invoke\/([^/]+)\/method(\/|$)/.exec(path);
  return byPath?.[1];
}
