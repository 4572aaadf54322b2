/** All that the page knows. It tells its listeners of changes, at most ten times a second. */
import type {
  CallEvent,
  DeliveryEvent,
  WatchEvent,
} from "../../../shared/watch-event.ts";
import type { App, PageEvent } from "../messages.ts";

/** How many calls and deliveries are kept. */
export const maxSeen = 500;
const tellMs = 100;

/** A call or a delivery, and the sidecar it passed. */
export interface Seen {
  /** Its number, in the order of coming. */
  n: number;
  appId: string;
  sidecar: string;
  event: CallEvent | DeliveryEvent;
}

export interface Counts {
  calls: number;
  deliveries: number;
  errors: number;
}

export type Connection = "connecting" | "live" | "lost" | "refused";

export class Store {
  connection: Connection = "connecting";
  /** Undefined until the first list has come. */
  apps: App[] | undefined;
  /** Undefined: what runs on this machine is shown. */
  cluster: string | undefined;
  /** The newest last. */
  seen: readonly Seen[] = [];
  /** Since the page was opened. */
  readonly counts = { calls: 0, deliveries: 0, errors: 0, missed: 0 };
  /** By component and topic, as `countKey` makes them. */
  readonly uses = new Map<string, number>();
  readonly #listeners = new Set<() => void>();
  readonly #watchers = new Set<(seen: Seen) => void>();
  #isTelling = false;
  #toldMs = -tellMs;
  #next = 1;

  take(message: PageEvent): void {
    if (message.type === "apps") {
      this.apps = message.apps;
      this.cluster = message.cluster;
    } else if (message.type === "missed") this.counts.missed += message.count;
    else this.#add(message.appId, message.sidecar, message.event);
    this.#changed();
  }

  connected(connection: Connection): void {
    this.connection = connection;
    this.#changed();
  }

  clear(): void {
    this.seen = [];
    this.#changed();
  }

  /** Returns what ends it. */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Called at each call and delivery, at once. Returns what ends it. */
  onSeen(watcher: (seen: Seen) => void): () => void {
    this.#watchers.add(watcher);
    return () => this.#watchers.delete(watcher);
  }

  #add(appId: string, sidecar: string, event: WatchEvent): void {
    if (event.type === "missed") {
      this.counts.missed += event.count;
      return;
    }
    if (isPoll(event)) return;
    const seen = { n: this.#next++, appId, sidecar, event };
    this.seen = [...this.seen.slice(1 - maxSeen), seen];
    this.counts[event.type === "call" ? "calls" : "deliveries"]++;
    if (isError(event)) this.counts.errors++;
    const component = componentOf(event);
    if (component) {
      const key = useKey(sidecar, component, event.topic);
      this.uses.set(key, (this.uses.get(key) ?? 0) + 1);
    }
    for (const watcher of this.#watchers) watcher(seen);
  }

  #changed(): void {
    if (this.#isTelling) return;
    this.#isTelling = true;
    const tell = () => {
      this.#isTelling = false;
      this.#toldMs = performance.now();
      for (const listener of this.#listeners) listener();
    };
    // The first change after a while is told at once.
    if (performance.now() - this.#toldMs > tellMs) queueMicrotask(tell);
    else setTimeout(tell, tellMs);
  }
}

/** The dashboard itself asks for the metadata, as `dapr list` does. */
const isPoll = (event: CallEvent | DeliveryEvent): boolean =>
  event.type === "call" &&
  event.method === "GET" &&
  event.path === "/v1.0/metadata";

/** The component that a call or a delivery passed, if any. */
export function componentOf(
  event: CallEvent | DeliveryEvent,
): string | undefined {
  if (event.type === "delivery")
    return event.from === "invoke" ? undefined : event.source;
  return event.block === "invoke" ? undefined : event.target;
}

export const useKey = (
  sidecar: string,
  component: string,
  topic = "",
): string => JSON.stringify([sidecar, component, topic]);

export const isError = (event: CallEvent | DeliveryEvent): boolean =>
  event.type === "call" ? event.isError : event.outcome !== "success";
