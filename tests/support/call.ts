/** The `Call` that a door makes for a request. Its caller stays, unless a signal is given and aborts. */
import type { Call } from "../../runtime/contracts/call.ts";

export const callUntil = (signal: AbortSignal): Call => ({
  door: "http",
  signal: () => signal,
});

export const stayingCall = callUntil(new AbortController().signal);
