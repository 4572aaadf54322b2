/** Saves, reads and deletes an order twice a second, by HTTP. */
import { setTimeout as sleep } from "node:timers/promises";

const store = `http://localhost:${process.env.DAPR_HTTP_PORT}/v1.0/state/statestore`;

for (let i = 1; i <= 100; i++) {
  const order = { orderId: `${i}` };
  await fetch(store, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify([{ key: order.orderId, value: order }]),
  });
  console.log("Saving Order: ", order);
  const saved = await fetch(`${store}/${order.orderId}`);
  console.log("Getting Order: ", await saved.json());
  await fetch(`${store}/${order.orderId}`, { method: "DELETE" });
  console.log("Deleting Order: ", order);
  await sleep(500);
}
