/** Publishes an order a second, by HTTP. The sidecar may not be there yet: an app that says where it listens is not kept waiting. */
import { setTimeout as sleep } from "node:timers/promises";

const topic = `http://localhost:${process.env.DAPR_HTTP_PORT}/v1.0/publish/orderpubsub/orders`;

for (let orderId = 1; orderId <= 20; orderId++) {
  const body = JSON.stringify({ orderId });
  await fetch(topic, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body,
  }).then(
    () => console.log(`Published data: ${body}`),
    (error) => console.log(error),
  );
  await sleep(1000);
}
