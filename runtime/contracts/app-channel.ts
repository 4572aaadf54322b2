/** The door to the user's app, as blocks and components see it. */
import type { Forward } from "./invocation.ts";

/** What the app answered. `body` is at most the body limit. */
export interface AppReply {
  status: number;
  body: Uint8Array;
}

/** The one door to the user's app. */
export interface AppChannel {
  /**
   * Passes a request through, both bodies streamed. Headers go out as they are,
   * with the app's token added. Waits for its turn like `send`, and holds
   * it until the answer's body has ended.
   */
  forward: Forward;
  /**
   * Sends a request and reads the answer. Waits for its turn when
   * concurrency is limited. Rejects with `DeliveryError` when the app
   * can't be reached or breaks off.
   */
  send(
    method: string,
    path: string,
    options?: {
      body?: Uint8Array;
      headers?: Record<string, string>;
      timeoutMs?: number;
      /** A health probe: waits for no turn and carries no token. */
      probe?: boolean;
    },
  ): Promise<AppReply>;
  /** Resolves once something listens on the app's port; rejects when `signal` aborts. */
  whenListening(signal: AbortSignal): Promise<void>;
}
