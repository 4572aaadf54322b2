/** Who takes the events of a topic: the app, and streams that it opened. They compete. */
import type {
  BulkEvents,
  EventOutcome,
  OnAnswer,
  Subscription,
  TopicEvent,
} from "../../contracts/subscription.ts";
import type { FindPath } from "./rules.ts";

export interface TakerOptions {
  subscription: Subscription;
  findPath: FindPath;
  /** As the app's channel does it. Rejects with a DeliveryInterrupted if there will be no answer. */
  deliver(
    event: TopicEvent,
    limit?: AbortSignal,
    onAnswer?: OnAnswer,
  ): Promise<EventOutcome>;
  /** The same for a bulk; absent where events go one by one. */
  deliverBulk?(
    events: BulkEvents,
    limit?: AbortSignal,
    onAnswer?: OnAnswer,
  ): Promise<(EventOutcome | Error)[]>;
  /** Delivers again and again while nobody is there; absent where nobody comes back. */
  hold?<T>(deliver: () => Promise<T>, leaving: AbortSignal): Promise<T>;
}

export class Taker {
  readonly options: TakerOptions;
  readonly #leaving = new AbortController();
  readonly #underWay = new Set<Promise<unknown>>();

  constructor(options: TakerOptions) {
    this.options = options;
  }

  /** Aborts when it takes no more: what it has not been given yet is handed back. */
  get leaving(): AbortSignal {
    return this.#leaving.signal;
  }

  get load(): number {
    return this.#underWay.size;
  }

  async take<T>(work: () => Promise<T>): Promise<T> {
    const taken = work();
    this.#underWay.add(taken);
    try {
      return await taken;
    } finally {
      this.#underWay.delete(taken);
    }
  }

  /** Resolves once what it has is answered or handed back. */
  async leave(): Promise<void> {
    this.#leaving.abort();
    await Promise.allSettled(this.#underWay);
  }
}

export class Takers {
  /** The one whose turn was longest ago is first. */
  #turns: Taker[] = [];

  add(options: TakerOptions): void {
    this.#turns.push(new Taker(options));
  }

  has(options: TakerOptions): boolean {
    return this.#turns.some((one) => one.options === options);
  }

  /** It gets no more; resolves once what it has is answered or handed back. */
  async remove(options: TakerOptions): Promise<void> {
    const taker = this.#turns.find((one) => one.options === options);
    this.#turns = this.#turns.filter((one) => one !== taker);
    await taker?.leave();
  }

  /** The one that has least to do, if there is one that is not `asked` yet. */
  next(asked: ReadonlySet<Taker>): Taker | undefined {
    // Mostly it is the app alone, and each message passes here.
    const only = this.#turns.length === 1 ? this.#turns[0]! : undefined;
    if (only) return asked.has(only) ? undefined : only;
    const [next] = this.#turns
      .filter((one) => !asked.has(one))
      .toSorted((a, b) => a.load - b.load);
    if (!next) return undefined;
    this.#turns = [...this.#turns.filter((one) => one !== next), next];
    return next;
  }

  /** All leave. */
  end(): void {
    for (const taker of this.#turns.splice(0)) void taker.leave();
  }
}
