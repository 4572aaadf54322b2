/** What runs and what passes, told to every open page. Nothing is looked at while no page is open. */
import { messageOf } from "../../shared/message-of.ts";
import { delay } from "../../shared/timers.ts";
import type { EventStream } from "./event-stream.ts";
import type { App, PageEvent } from "./messages.ts";
import { watchSidecar, type WatchState } from "./sidecar-events.ts";
import type { Sidecar, SidecarSource } from "./sidecar.ts";

/** What keeps it from looking; said once. */
type Warn = (message: string) => void;

interface Watched extends Sidecar {
  state: WatchState;
  /** Ends the watching; undefined if it can't be watched. */
  watching: AbortController | undefined;
}

export class LiveView {
  readonly #source: SidecarSource;
  readonly #warn: Warn;
  readonly #pages = new Set<EventStream>();
  readonly #sidecars = new Map<string, Watched>();
  /** Set while a page is open. */
  #following: AbortController | undefined;
  /** The last list of apps, as it was sent. */
  #shown = "";
  /** What was looked up while the page was loading. */
  #ahead: { sidecars: Promise<readonly Sidecar[]>; atMs: number } | undefined;

  constructor(source: SidecarSource, warn: Warn) {
    this.#source = source;
    this.#warn = warn;
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
    if (
      this.#following ||
      (this.#ahead && atMs - this.#ahead.atMs < this.#source.pollMs)
    )
      return;
    const sidecars = this.#look();
    sidecars.catch(() => {}); // the page that asks is told
    this.#ahead = { sidecars, atMs };
  }

  /** That very sidecar, or the newest of the app. */
  async find(appId: string, sidecar?: string): Promise<Sidecar | undefined> {
    const known = [...this.#sidecars.values()];
    const list = known.length > 0 ? known : await this.#look();
    return list.findLast(
      ({ app }) =>
        app.appId === appId &&
        (sidecar === undefined || app.sidecar === sidecar),
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
          this.#warn(
            `What runs can't be seen: ${messageOf(error)}. It is tried again.`,
          );
        isWarned = true;
      }
      await delay(this.#source.pollMs, undefined, { signal }).catch(() => {}); // the loop sees that it was aborted
    }
  }

  #takeAhead(): Promise<readonly Sidecar[]> | undefined {
    const ahead = this.#ahead;
    this.#ahead = undefined;
    return ahead && performance.now() - ahead.atMs < this.#source.pollMs
      ? ahead.sidecars
      : undefined;
  }

  #look(): Promise<readonly Sidecar[]> {
    return this.#source.find((key) => this.#sidecars.get(key)?.metadata);
  }

  #update(found: readonly Sidecar[]): void {
    const keys = new Set(found.map(({ key }) => key));
    for (const [key, { watching }] of this.#sidecars)
      if (!keys.has(key)) {
        watching?.abort();
        this.#sidecars.delete(key);
      }
    for (const sidecar of found) {
      const known = this.#sidecars.get(sidecar.key);
      const watched = Object.assign(
        known ?? { state: "connecting" as const, watching: undefined },
        sidecar,
      );
      this.#sidecars.set(sidecar.key, watched);
      if (!watched.watching && watched.watchToken) this.#watch(watched);
    }
    this.#show();
  }

  #watch(sidecar: Watched): void {
    const { appId, sidecar: id } = sidecar.app;
    const watching = (sidecar.watching = new AbortController());
    const head = JSON.stringify({ type: "event", appId, sidecar: id });
    void watchSidecar(
      () => sidecar.reach(),
      sidecar.watchToken!,
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
      ...(this.#source.cluster === undefined
        ? {}
        : { cluster: this.#source.cluster }),
    };
    const json = JSON.stringify(event);
    if (json === this.#shown) return;
    this.#shown = json;
    for (const page of this.#pages) page.sendAlways(json);
  }
}

function appOf({ app, state }: Watched): App {
  const note =
    state === "refused"
      ? "Its calls and messages are not seen: the sidecar does not let itself be watched."
      : app.note;
  return {
    ...app,
    isWatched: state === "watched",
    ...(note ? { note } : {}),
  };
}
