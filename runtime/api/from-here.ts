/** Whether a program of this machine calls, and not a sidecar for somebody else. */
import { onBehalfHeader } from "../contracts/on-behalf.ts";
import { isOwnSocket, type Remote } from "../net/own-sockets.ts";

/** `headers` have lower-case names. */
export const isFromHere = (
  remote: Remote,
  headers: Readonly<Record<string, unknown>>,
): boolean =>
  isLoopbackAddress(remote.remoteAddress ?? "") &&
  !isOwnSocket(remote) &&
  passedOn.every((name) => headers[name] === undefined);

/** Marks what another sidecar of this machine sends for its caller: to a URL, or to an app whose address it was told. */
const passedOn = [onBehalfHeader, "dapr-caller-app-id"];

const isLoopbackAddress = (address: string) =>
  /^(::ffff:)?127\./.test(address) || address === "::1";
