/** A question over a new connection: whether the server is the one that is looked for. */
import { CallError, type ForwardReply } from "../../contracts/invocation.ts";
import { messageOf } from "../../shared/message-of.ts";
import { startTimer } from "../../shared/timers.ts";
import type { Connection } from "./connection.ts";

export interface Greeting {
  /** The head of a request without a body. */
  head: string;
  /** For the answer, in ms, from the beginning of the connecting on. */
  limitMs: number;
  /** Throws what is wrong with the answer. A {@link CallError} is passed on as it is. */
  judge(reply: ForwardReply): void | Promise<void>;
}

/** There is a connection, but not to the server that is looked for. It saw nothing but the question. */
export class GreetingError extends Error {
  override name = "GreetingError";
  /** It answered nothing in time. */
  readonly isSilent: boolean;

  constructor(message: string, isSilent: boolean, cause: unknown) {
    super(message, { cause });
    this.isSilent = isSilent;
  }
}

/**
 * Resolves once the connection can take a request. Rejects with a {@link GreetingError}, a {@link CallError}, or the
 * error of the connecting; the connection is of no use then.
 */
export async function greet(
  connection: Connection,
  { head, limitMs, judge }: Greeting,
): Promise<void> {
  let isLate = false;
  const timer = startTimer(() => {
    isLate = true;
    connection.close(new Error(`no answer within ${limitMs / 1000} s`));
  }, limitMs);
  const done = Promise.withResolvers<void>();
  try {
    const reply = await connection.send(
      { method: "OPTIONS", path: "*", headers: [], body: undefined },
      head,
      undefined,
      done.resolve,
    );
    await judge(reply);
    await done.promise;
    if (!connection.isFree(performance.now()))
      throw new Error("it closed the connection behind its answer");
  } catch (error) {
    if (error instanceof CallError || !connection.wasMade()) throw error;
    throw new GreetingError(messageOf(error), isLate, error);
  } finally {
    clearTimeout(timer);
  }
}
