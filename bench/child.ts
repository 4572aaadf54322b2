/**
 * The bench's helper processes. The parent calls their functions by name over
 * the fork channel, and they send marks back. A child ends with its parent.
 */
import { fork, type ChildProcess } from "node:child_process";
import { join } from "node:path";

/** Microseconds on the machine's monotonic clock, the same in every process. */
export const nowUs = (): number => Number(process.hrtime.bigint() / 1000n);

export interface Mark {
  mark: string;
  atUs: number;
}

type Calls = Record<string, (argument: never) => unknown>;

/** In the child: answers calls. Returns the function that sends a mark. */
export function serve(calls: Calls): (mark: Mark) => void {
  process.on(
    "message",
    (message: { id: number; call: string; argument: unknown }) => {
      const answer = async () =>
        (calls[message.call] as (argument: unknown) => unknown)(
          message.argument,
        );
      answer().then(
        (result) => process.send?.({ id: message.id, result }),
        (error: Error) =>
          process.send?.({
            id: message.id,
            error: error.stack ?? String(error),
          }),
      );
    },
  );
  process.on("disconnect", () => process.exit());
  // Ctrl+C reaches the whole process group, but the parent ends its children itself, in order.
  process.on("SIGINT", () => {});
  return (mark) => process.send?.(mark);
}

interface Reply {
  id: number;
  result?: unknown;
  error?: string;
}

/** In the parent: a running helper. */
export class Helper {
  readonly pid: number;
  readonly #child: ChildProcess;
  readonly #name: string;
  readonly #pending = new Map<number, PromiseWithResolvers<unknown>>();
  readonly #marks = new Map<string, PromiseWithResolvers<number>>();
  #nextId = 0;

  constructor(file: string) {
    this.#name = file;
    this.#child = fork(join(import.meta.dirname, file), {
      serialization: "advanced",
    });
    if (this.#child.pid === undefined)
      throw new Error(`bench: could not start ${file}`);
    this.pid = this.#child.pid;
    this.#child.on("message", (message: Reply | Mark) =>
      this.#receive(message),
    );
    this.#child.on("exit", (code, signal) => {
      const error = new Error(
        `bench: ${file} ended (${signal ?? code}) while it was needed`,
      );
      for (const waiting of [
        ...this.#pending.values(),
        ...this.#marks.values(),
      ])
        waiting.reject(error);
    });
  }

  call<R>(call: string, argument?: unknown): Promise<R> {
    const id = this.#nextId++;
    const waiting = Promise.withResolvers<unknown>();
    this.#pending.set(id, waiting);
    this.#child.send({ id, call, argument });
    waiting.promise.catch(() => {}); // see `next`
    return waiting.promise as Promise<R>;
  }

  /** Resolves with the time, in µs, at which the child next sends this mark. Call it before you cause the mark. */
  next(mark: string, withinMs: number): Promise<number> {
    const waiting = Promise.withResolvers<number>();
    this.#marks.set(mark, waiting);
    const timer = setTimeout(
      () =>
        waiting.reject(
          new Error(
            `bench: waited ${withinMs} ms for "${mark}" of ${this.#name}`,
          ),
        ),
      withinMs,
    );
    // A scenario that fails earlier never awaits this promise: its rejection must not end the bench.
    waiting.promise.catch(() => {}).finally(() => clearTimeout(timer));
    return waiting.promise;
  }

  stop(): void {
    this.#child.kill("SIGKILL");
  }

  #receive(message: Reply | Mark): void {
    if ("mark" in message) {
      this.#marks.get(message.mark)?.resolve(message.atUs);
      this.#marks.delete(message.mark);
      return;
    }
    const waiting = this.#pending.get(message.id);
    this.#pending.delete(message.id);
    if (message.error === undefined) waiting?.resolve(message.result);
    else waiting?.reject(new Error(`bench: ${this.#name}: ${message.error}`));
  }
}
