/** What runs and what passes, told to every open page. Nothing is looked at while no page is open. */
import { messageOf } from "../../shared/message-of.ts";
import { delay } from "../../shared/timers.ts";
import type { Instance } from "../instances/instances.ts";
import { describeApp } from "./describe-app.ts";
import type { EventStream } from "./event-stream.ts";
import { findSidecars, type Sidecar, type Sought } from "./find-sidecars.ts";
import type { App, PageEvent } from "./messages.ts";
import { watchSidecar, type WatchState } from "./sidecar-events.ts";

/** PowerShell takes a third of a second to list processes. */
const pollMs = process.platform === "win32" ? 10_000 : 2000;

export interface LiveViewOptions extends Sought {
  /** What keeps it from looking; said once. */
  warn(message: string): void;
}

interface Watched extends Sidecar {
  state: WatchState;
  /** Ends the watching; undefined if it can't be watched. */
  watching: AbortController | undefined;
}

export class LiveView {
  readonly #options: LiveViewOptions;
  readonly #pages = new Set<EventStream>();
  readonly #sidecars = new Map<string, Watched>();
  /** Set while a page is open. */
  #following: AbortController | undefined;
  /** The last list of apps, as it was sent. */
  #shown = "";
  /** What was looked up while the page was loading. */
  #ahead: { sidecars: Promise<Sidecar[]>; atMs: number } | undefined;

  constructor(options: LiveViewOptions) {
    this.#options = options;
  }

  get pages(): number {
    return this.#pages.size;
  }

  add(page: EventStream): void {
    this.#pages.add(page);
    page.onClose(() => this.#remove(page));
    if (this.#shown) page.sendAlways(this.#shown);
    if (this.#following) return;
    this.#following = new AbortController();
    void this.#follow(this.#following.signal);
  }

  /** The page is being loaded: its first list is made meanwhile. */
  prepare(): void {
    const atMs = performance.now();
    if (this.#following || (this.#ahead && atMs - this.#ahead.atMs < pollMs))
      return;
    const sidecars = this.#look();
    sidecars.catch(() => {}); // the page that asks is told
    this.#ahead = { sidecars, atMs };
  }

  /** The sidecar of that process, or the newest of the app. */
  async find(appId: string, pid?: number): Promise<Sidecar | undefined> {
    const known = [...this.#sidecars.values()];
    const list = known.length > 0 ? known : await this.#look();
    return list.findLast(
      ({ instance }) =>
        instance.appId === appId &&
        (pid === undefined || instance.daprdPid === pid),
    );
  }

  #remove(page: EventStream): void {
    this.#pages.delete(page);
    if (this.#pages.size > 0) return;
    this.#following?.abort();
    this.#following = undefined;
    for (const { watching } of this.#sidecars.values()) watching?.abort();
    this.#sidecars.clear();
    this.#shown = "";
  }

  async #follow(signal: AbortSignal): Promise<void> {
    let isWarned = false;
    while (!signal.aborted) {
      try {
        const sidecars = await (this.#takeAhead() ?? this.#look());
        if (!signal.aborted) this.#update(sidecars);
        isWarned = false;
      } catch (error) {
        if (!isWarned)
          this.#options.warn(
            `What runs here can't be seen: ${messageOf(error)}. It is tried again.`,
          );
        isWarned = true;
      }
      await delay(pollMs, undefined, { signal }).catch(() => {}); // the loop sees that it was aborted
    }
  }

  #takeAhead(): Promise<Sidecar[]> | undefined {
    const ahead = this.#ahead;
    this.#ahead = undefined;
    return ahead && performance.now() - ahead.atMs < pollMs
      ? ahead.sidecars
      : undefined;
  }

  #look(): Promise<Sidecar[]> {
    return findSidecars(
      this.#options,
      (instance) => this.#sidecars.get(keyOf(instance))?.metadata,
    );
  }

  #update(found: readonly Sidecar[]): void {
    const keys = new Set(found.map(({ instance }) => keyOf(instance)));
    for (const [key, { watching }] of this.#sidecars)
      if (!keys.has(key)) {
        watching?.abort();
        this.#sidecars.delete(key);
      }
    for (const sidecar of found) {
      const key = keyOf(sidecar.instance);
      const known = this.#sidecars.get(key);
      const watched = Object.assign(
        known ?? { state: "connecting" as const, watching: undefined },
        sidecar,
      );
      this.#sidecars.set(key, watched);
      if (!watched.watching && watched.token) this.#watch(watched);
    }
    this.#show();
  }

  #watch(sidecar: Watched): void {
    const { instance, token } = sidecar;
    const { appId, daprdPid } = instance;
    const watching = (sidecar.watching = new AbortController());
    const head = JSON.stringify({ type: "event", appId, daprdPid });
    void watchSidecar(
      instance,
      token!,
      {
        // It is passed on as it came: a browser may be watching a hundred orders a second.
        event: (json) => {
          const whole = `${head.slice(0, -1)},"event":${json}}`;
          for (const page of this.#pages) page.send(whole);
        },
        state: (now) => {
          sidecar.state = now;
          if (!watching.signal.aborted) this.#show();
        },
      },
      watching.signal,
    );
  }

  /** Tells the pages if something has changed. */
  #show(): void {
    const event: PageEvent = {
      type: "apps",
      apps: [...this.#sidecars.values()].map(appOf),
    };
    const json = JSON.stringify(event);
    if (json === this.#shown) return;
    this.#shown = json;
    for (const page of this.#pages) page.sendAlways(json);
  }
}

function appOf(sidecar: Watched): App {
  const { instance, metadata, state } = sidecar;
  const why = whyUnwatched(sidecar);
  return {
    ...describeApp(instance, metadata),
    isWatched: state === "watched",
    ...(why ? { whyUnwatched: why } : {}),
  };
}

/** Undefined also while the dashboard is about to watch it. */
function whyUnwatched({ token, state }: Watched): string | undefined {
  if (!token)
    return "Its calls and messages are not seen: the sidecar was not started by `dapr run` of this kit.";
  return state === "refused"
    ? "Its calls and messages are not seen: the sidecar does not let itself be watched."
    : undefined;
}

/** The number of a process that has ended may be given to another. */
const keyOf = ({ daprdPid, startedMs }: Instance): string =>
  `${daprdPid} ${startedMs}`;
