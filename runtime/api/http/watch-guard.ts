/** Who may watch: a program of this machine that knows the token. No web page does, whatever origins the API allows. */
import { ApiError } from "../../contracts/errors.ts";
import { isLoopbackName } from "../../shared/addresses.ts";
import { isFromHere } from "../from-here.ts";
import { createTokenCheck } from "../token.ts";
import { header, type ApiRequest } from "./request.ts";

export interface WatchGuardOptions {
  /** `DAPR_WATCH_TOKEN` */
  token: string;
  /** The API is a socket in the file system: whoever opens it is of this machine. */
  isFile: boolean;
}

/** `host`: the name in the request's `Host`. */
export type WatchGuard = (
  request: ApiRequest,
  host: string,
) => ApiError | undefined;

export function createWatchGuard({
  token,
  isFile,
}: WatchGuardOptions): WatchGuard {
  let isToken: ReturnType<typeof createTokenCheck> | undefined;
  return (request, host) => {
    const { remote, headers } = request;
    const isPage =
      headers["origin"] !== undefined ||
      headers["sec-fetch-site"] !== undefined;
    if (
      isPage ||
      !isLoopbackName(host) ||
      !(isFile || isFromHere(remote, headers))
    )
      return new ApiError("watchOnlyLocal");
    // Made with its first use: no start loads node:crypto for it.
    isToken ??= createTokenCheck(token);
    return isToken(header(request, "dapr-watch-token"))
      ? undefined
      : new ApiError("watchToken");
  };
}
