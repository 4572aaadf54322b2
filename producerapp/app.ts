/** Producer: posts one order a second to its sidecar's output binding "sample-topic". */
import { everySecond, tokenHeader } from "./every-second.ts";

const daprPort = process.env.DAPR_HTTP_PORT || "3500";
const daprUrl = `http://localhost:${daprPort}/v1.0/bindings/sample-topic`;

await everySecond(daprUrl, (orderId, signal) => {
  const order = { data: { orderId }, operation: "create" };
  console.log(order);
  return fetch(daprUrl, {
    method: "POST",
    headers: { "Content-Type": "application/json", ...tokenHeader },
    body: JSON.stringify(order),
    signal,
  });
});
