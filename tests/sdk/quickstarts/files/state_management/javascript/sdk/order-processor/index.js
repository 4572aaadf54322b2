/** Saves, reads and deletes an order twice a second, by the SDK. */
import { setTimeout as sleep } from "node:timers/promises";
import { DaprClient } from "@dapr/dapr";

const { state } = new DaprClient({ daprPort: process.env.DAPR_HTTP_PORT });

for (let i = 1; i <= 100; i++) {
  const order = { orderId: `${i}` };
  await state.save("statestore", [{ key: order.orderId, value: order }]);
  console.log("Saving Order: ", order);
  console.log("Getting Order: ", await state.get("statestore", order.orderId));
  await state.delete("statestore", order.orderId);
  console.log("Deleting Order: ", order);
  await sleep(500);
}
