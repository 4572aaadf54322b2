/** Follows what passes through one sidecar, for as long as it runs. */
import type { IncomingMessage } from "node:http";
import { StringDecoder } from "node:string_decoder";
import { delay } from "../../shared/timers.ts";
import { send, type SidecarAddress } from "../instances/sidecar-http.ts";

/** The header that opens a sidecar's watch API. */
export const tokenHeader = "dapr-watch-token";
export const watchPath = "/dapr-kit/watch";

/** Two bodies of 4 KiB, escaped, are far less. */
const maxEventChars = 1024 * 1024;
const retryMs = 1000;
/** Another program may have had its port at first. */
const refusedMs = 5000;

/** `refused`: it does not let itself be watched. */
export type WatchState = "connecting" | "watched" | "refused";

export interface Watcher {
  /** The JSON of a `WatchEvent`, on one line. */
  event(json: string): void;
  state(now: WatchState): void;
}

/** Begins anew when the stream breaks; ends with the signal. `reach` is asked each time. */
export async function watchSidecar(
  reach: () => Promise<SidecarAddress>,
  token: string,
  watcher: Watcher,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    const isRefused = await readOnce(reach, token, watcher, signal);
    if (signal.aborted) return;
    watcher.state(isRefused ? "refused" : "connecting");
    await delay(isRefused ? refusedMs : retryMs, undefined, { signal }).catch(
      () => {},
    ); // the loop sees that it was aborted
  }
}

/** True if the sidecar refuses to be watched. */
async function readOnce(
  reach: () => Promise<SidecarAddress>,
  token: string,
  watcher: Watcher,
  signal: AbortSignal,
): Promise<boolean> {
  try {
    const response = await send(await reach(), {
      method: "GET",
      path: `${watchPath}/events`,
      headers: { [tokenHeader]: token },
      signal,
    });
    if (response.statusCode !== 200) {
      response.destroy();
      return response.statusCode! < 500;
    }
    watcher.state("watched");
    await readEvents(response, watcher.event);
  } catch {
    // It is starting or ending, can't be reached, or the signal came.
  }
  return false;
}

/** Calls `emit` with the data of each event. Resolves when the stream ends. */
export async function readEvents(
  stream: IncomingMessage | AsyncIterable<Buffer>,
  emit: (data: string) => void,
): Promise<void> {
  const decoder = new StringDecoder("utf8");
  let rest = "";
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    rest += decoder.write(chunk);
    const events = rest.split("\n\n");
    rest = events.pop()!;
    if (rest.length > maxEventChars)
      throw new Error(`an event is longer than ${maxEventChars} characters`);
    for (const event of events)
      if (event.startsWith("data: ")) emit(event.slice("data: ".length));
  }
}
