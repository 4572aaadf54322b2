/**
 * One component, by its name: which resource is wanted, which one is open, and
 * how to get from one to the other. The new one is opened before the old one is
 * closed, so that calls find one of them at any time.
 */
import { once } from "node:events";
import { absenceOf } from "../components/find-type.ts";
import {
  LoadError,
  openLoaded,
  typesAmong,
  type Loaded,
  type LoadOptions,
} from "./open-loaded.ts";
import { doublingBackoff } from "../shared/backoff.ts";
import { watchOutage } from "../shared/outage.ts";
import { label, type LoadedComponent } from "../resources/kinds/component.ts";
import { delay } from "../shared/timers.ts";

export interface SlotOptions extends LoadOptions {
  /** Called when one more component is open. */
  onOpened(): void;
  /** Called when a component is closed. */
  onClosed(): void;
  /** Why another component, by its name, is absent. */
  absence(name: string): string | undefined;
}

const firstPauseMs = 1000;
const mostPauseMs = 30_000;

export class ComponentSlot {
  readonly #options: SlotOptions;
  #wanted: LoadedComponent | undefined;
  #loaded: Loaded | undefined;
  #problem: LoadError | undefined;
  #isParked = false;
  #absence: { wanted: LoadedComponent; why: string } | undefined;
  readonly #backoff = doublingBackoff(firstPauseMs, mostPauseMs, 0.25);
  readonly #outage = watchOutage(
    { found: (message) => this.#tell(message) },
    { isNews: (message, told) => message !== told },
  );
  #wake = new AbortController();
  #following: Promise<void> | undefined;
  #isClosed = false;

  constructor(options: SlotOptions) {
    this.#options = options;
  }

  get wanted(): LoadedComponent | undefined {
    return this.#wanted;
  }

  get loaded(): Loaded | undefined {
    return this.#loaded;
  }

  /** Whether it waits for a secret store. */
  get isParked(): boolean {
    return this.#isParked;
  }

  /** Why the wanted component is absent: its type is not in this version. */
  get absence(): string | undefined {
    return this.#absence?.wanted === this.#wanted
      ? this.#absence?.why
      : undefined;
  }

  /** Whether it should be open but is not, neither in its old form nor in the wanted one. */
  get isFailing(): boolean {
    return (
      this.#problem !== undefined &&
      !this.#loaded &&
      !this.#wanted?.ignoreErrors
    );
  }

  /** Whether nothing is open or wanted any more. */
  get isGone(): boolean {
    return !this.#wanted && !this.#loaded && !this.#following;
  }

  get #isSettled(): boolean {
    return this.#loaded?.resource === this.#wanted || !!this.absence;
  }

  /** Sets what is wanted from now on; undefined = it should be removed. Takes effect with {@link attempt} or {@link follow}. */
  want(resource: LoadedComponent | undefined): void {
    this.#wanted = resource;
    this.#problem = undefined;
    this.#isParked = false;
    this.#backoff.reset();
    this.#outage.over();
    this.wake();
  }

  /** If it waits, makes it try again at once. */
  wake(): void {
    this.#wake.abort();
  }

  /** Tries once. Rejects with a {@link LoadError}. A component without its secret store is parked; one with an absent type is left out. */
  async attempt(): Promise<void> {
    const { log, secrets } = this.#options;
    const wanted = this.#wanted;
    const old = this.#loaded;
    if (!wanted) return this.#end();
    const why = absenceOf(wanted, typesAmong(wanted, this.#options.categories));
    if (why) {
      this.#absence = { wanted, why };
      log.warn(
        `component ${label(wanted)} is left out: ${why}; what asks for it is told so`,
      );
      return;
    }
    const { secretRefs, secretStore } = wanted;
    const asksStore = secretRefs.some(({ problem }) => !problem);
    if (asksStore && secretStore && !secrets.has(secretStore)) {
      const because = this.#options.absence(secretStore);
      if (!this.#isParked)
        log.warn(
          `component ${label(wanted)} waits for secret store "${secretStore}", which is not loaded${because ? `: ${because}` : ""}`,
        );
      this.#isParked = true;
      return;
    }
    this.#isParked = false;
    const loaded = await openLoaded(
      wanted,
      this.#options,
      () => this.#wanted === wanted && !this.#isClosed,
    );
    if (!loaded) return;
    this.#loaded = loaded;
    this.#problem = undefined;
    log.info(`Component ${old ? "updated" : "loaded"}: ${label(wanted)}`);
    this.#options.onOpened();
    if (old) await this.#close(old);
  }

  /** Tries until the wanted component is open, also if the wish changes meanwhile. Resolves after the first try, whatever its result. */
  follow(): Promise<void> {
    const tried = Promise.withResolvers<void>();
    if (this.#following) tried.resolve();
    else this.#following = this.#follow(tried.resolve);
    return tried.promise;
  }

  async #follow(onTried: () => void): Promise<void> {
    // Begins only after `follow` has stored this promise.
    await undefined;
    while (!this.#isSettled && !this.#isClosed) {
      this.#wake = new AbortController();
      const { signal } = this.#wake;
      const pauseMs = await this.#tryOnce();
      onTried();
      if (this.#isSettled || signal.aborted) continue;
      await (
        pauseMs === undefined
          ? once(signal, "abort")
          : delay(pauseMs, undefined, { signal })
      ).catch(() => {});
    }
    onTried();
    // In the same turn as the last check, so that a later wish starts again.
    this.#following = undefined;
  }

  /** Milliseconds until the next try; undefined if it waits for something else. */
  async #tryOnce(): Promise<number | undefined> {
    const wanted = this.#wanted;
    try {
      await this.attempt();
      return undefined;
    } catch (error) {
      // This resource is not wanted any more.
      if (this.#wanted !== wanted) return undefined;
      this.#found(error as LoadError);
      return this.#backoff.nextMs();
    }
  }

  /** A problem that only a change can solve is logged once, any other now and then. */
  #found(problem: LoadError) {
    const isNew = problem.message !== this.#problem?.message;
    this.#problem = problem;
    if (isNew || !problem.isMistake) this.#outage.found(problem.message);
  }

  #tell(message: string) {
    const next = this.#problem?.isMistake
      ? "once it is changed it is opened at once"
      : "trying again until it opens";
    const old = this.#loaded ? "; as it was before the change it goes on" : "";
    const told = `${message}; ${next}${old}`;
    this.#options.log.error(
      this.#wanted?.ignoreErrors
        ? `Ignoring error processing component: ${told}`
        : `failed to load component: ${told}`,
    );
  }

  async #end(): Promise<void> {
    const loaded = this.#loaded;
    if (!loaded) return;
    this.#loaded = undefined;
    await this.#close(loaded);
    this.#options.log.info(`Component removed: ${label(loaded.resource)}`);
  }

  async #close(loaded: Loaded): Promise<void> {
    const { component, resource, category, explain } = loaded;
    try {
      await category.remove(component, resource);
      await component.close();
    } catch (error) {
      this.#options.log.error(
        `error closing component ${label(resource)}: ${explain(error)}`,
      );
    }
    this.#options.onClosed();
  }

  /** Stops trying; resolves once no try is under way. An open component stays open. */
  async stop(): Promise<void> {
    this.#isClosed = true;
    this.wake();
    await this.#following;
  }
}
