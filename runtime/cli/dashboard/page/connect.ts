/** Follows the server's events. The browser connects again by itself. */
import type { PageEvent } from "../messages.ts";
import type { Store } from "./store.ts";

export function connect(store: Store): void {
  const source = new EventSource("/api/events");
  source.onopen = () => store.connected("live");
  source.onmessage = ({ data }) =>
    store.take(JSON.parse(data as string) as PageEvent);
  source.onerror = () =>
    // After an answer that is no stream the browser gives up.
    store.connected(
      source.readyState === EventSource.CLOSED ? "refused" : "lost",
    );
}
