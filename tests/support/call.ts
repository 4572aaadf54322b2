/** A caller as a door tells of it; it stays, unless a signal says that it goes. */
import type { Call } from "../../runtime/contracts/call.ts";

export const callUntil = (signal: AbortSignal): Call => ({
  door: "http",
  signal: () => signal,
});

export const stayingCall = callUntil(new AbortController().signal);
