/** The rhythm of a producer: an order, its answer, a second's rest, until Ctrl+C or SIGTERM. */
import "isomorphic-fetch";
import { setTimeout as sleep } from "node:timers/promises";

// A sidecar that was given a token asks for it.
const token = process.env.DAPR_API_TOKEN;
export const tokenHeader: Record<string, string> = token
  ? { "dapr-api-token": token }
  : {};

/** An order that was not taken is sent again. `url`, where they go, is for the report of one without an answer. */
export async function everySecond(
  url: string,
  send: (orderId: number, signal: AbortSignal) => Promise<Response>,
): Promise<void> {
  const stop = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM"] as const)
    process.once(signal, () => {
      stop.abort();
      // An order on its way gets its answer, but not for ever.
      setTimeout(() => process.exit(0), 3000).unref();
    });

  for (let orderId = 1; !stop.signal.aborted;) {
    try {
      const response = await send(orderId, AbortSignal.timeout(30_000));
      const answer = await response.text();
      const reason = response.ok ? "" : ` ${answer}`;
      console.log(`Response for order ${orderId}: ${response.status}${reason}`);
      if (response.ok) orderId++;
    } catch (error) {
      console.log(
        `No response for order ${orderId}: ${refusal(error)} (${url})`,
      );
    }
    await sleep(1000, undefined, { signal: stop.signal }).catch(() => {
      // stopped while waiting: the loop's condition ends it
    });
  }
}

/** fetch hides the reason in `cause`; for two addresses of localhost in a list of causes. */
function refusal(error: unknown): string {
  const cause = (error as Error).cause ?? error;
  const first = cause instanceof AggregateError ? cause.errors[0] : cause;
  return (first as Error).message;
}
