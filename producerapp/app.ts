/** Producer: posts one order a second to its sidecar's output binding "sample-topic". */
import "isomorphic-fetch";
import { setTimeout as sleep } from "node:timers/promises";

const daprPort = process.env.DAPR_HTTP_PORT || "3500";
const daprUrl = `http://localhost:${daprPort}/v1.0/bindings/sample-topic`;

const stop = new AbortController();
for (const signal of ["SIGINT", "SIGTERM"] as const)
  process.once(signal, () => {
    stop.abort();
    // An order on its way gets its answer, but not for ever.
    setTimeout(() => process.exit(0), 3000).unref();
  });

for (let orderId = 1; !stop.signal.aborted; orderId++) {
  const order = { data: { orderId }, operation: "create" };
  console.log(order);
  try {
    const response = await fetch(daprUrl, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(order),
      signal: AbortSignal.timeout(30_000),
    });
    const reason = response.ok ? "" : ` ${await response.text()}`;
    console.log(`Response for order ${orderId}: ${response.status}${reason}`);
  } catch (error) {
    console.log(`No response for order ${orderId}: ${refusal(error)}`);
  }
  await sleep(1000, undefined, { signal: stop.signal }).catch(() => {
    // stopped while waiting: the loop's condition ends it
  });
}

/** fetch hides the reason in `cause`; for two addresses of localhost in a list of causes. */
function refusal(error: unknown): string {
  const cause = (error as Error).cause ?? error;
  const first = cause instanceof AggregateError ? cause.errors[0] : cause;
  return `${(first as Error).message} (${daprUrl})`;
}
