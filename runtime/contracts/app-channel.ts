/** The way to the user's app in the terms of what is wanted of it, whatever protocol it speaks. */
import { DeliveryError, type Message } from "./delivery.ts";
import type { Forward, ForwardReply } from "./invocation.ts";
import type { Proxy } from "./proxied-call.ts";
import type { OnAnswer, TopicChannel } from "./subscription.ts";

/** An input binding as the app knows it. */
export interface AppInput {
  name: string;
  /** The component's metadata `route`, else its name. */
  route: string;
}

/** What an app that took a message answered. */
export interface AppAnswer {
  data: Uint8Array;
  /** Output bindings that the app wants `data` to go to: all at once, or each after the one before. */
  sendTo?: { bindings: string[]; atOnce: boolean };
}

export interface AppChannel extends TopicChannel {
  /**
   * Asks whether the app takes an input. Undefined if it does; else why it does
   * not, and what to change. Rejects when it can't be asked.
   */
  refusalOf(input: AppInput, timeoutMs: number): Promise<string | undefined>;
  /**
   * Hands a message over, once it is its turn. Resolves with the app's answer
   * once the app took it. Rejects with {@link DeliveryError} when it did not, {@link AppUnreachable} among them.
   * When `signal` aborts, the call of the app ends.
   */
  deliver(
    input: AppInput,
    message: Message,
    signal?: AbortSignal,
    onAnswer?: OnAnswer,
  ): Promise<AppAnswer>;
  /**
   * Passes a call through, both bodies streamed, once it is its turn; the turn
   * lasts until the answer's body has ended. Headers go out as they are, with
   * the app's token added. Rejects with {@link AppUnreachable} when there is no answer.
   */
  invoke: Forward;
  /** Only of apps that speak gRPC: passes a call on once it is its turn, which lasts until the call is over. The app's token is added. */
  proxy?: Proxy;
  /** Why the app is not healthy; undefined if it is. Waits for no turn and carries no token. */
  illness(path: string, timeoutMs: number): Promise<string | undefined>;
  /** Resolves once something listens on the app's port; rejects when `signal` aborts. */
  whenListening(signal: AbortSignal): Promise<void>;
}

/** The app could not be called, or broke off: there is no answer of it. */
export class AppUnreachable extends DeliveryError {
  override name = "AppUnreachable";
  /** Nothing of the call reached it. */
  readonly unsent: boolean;
  /** Nothing listens on its port. */
  readonly isAway: boolean;
  /** What callers of a gRPC app get in its place, as the original has it. */
  readonly answer: ForwardReply | undefined;

  constructor(
    message: string,
    options: {
      cause?: unknown;
      unsent?: boolean;
      isAway?: boolean;
      answer?: ForwardReply;
    } = {},
  ) {
    super(message, undefined, options.cause);
    this.answer = options.answer;
    this.isAway = options.isAway ?? false;
    this.unsent = options.unsent ?? this.isAway;
  }
}
