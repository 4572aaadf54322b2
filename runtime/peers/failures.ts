/** The errors of a call that reached no sidecar, or lost it on the way; the same for both protocols. */
import { withPort } from "../shared/addresses.ts";
import { CallError } from "../contracts/invocation.ts";
import type { Peer } from "../contracts/name-resolver.ts";

/** `the sidecar of orders at 127.0.0.1:47300` */
export const sidecarOf = (appId: string, { host, port }: Peer): string =>
  `the sidecar of ${appId} at ${withPort(host, port)}`;

/** Nothing of the call was sent. */
export const unreachable = (
  appId: string,
  peer: Peer,
  why: string,
  cause: unknown,
): CallError =>
  new CallError(
    "unavailable",
    `${sidecarOf(appId, peer)} can't be reached: ${why}; is it still running?`,
    { cause, unsent: true },
  );

/** This sidecar is ending: another one of the app is to be asked. */
export const leaving = (): CallError =>
  new CallError("unavailable", "the sidecar shuts down", { unsent: true });

/** The connection broke under the call. */
export const lost = (
  appId: string,
  peer: Peer,
  why: string,
  cause: unknown,
): CallError =>
  new CallError(
    "unavailable",
    `${sidecarOf(appId, peer)} was lost before it answered, so ${appId} may have got the call or not: ${why}`,
    { cause },
  );
