/** Calls the other app each second: the header says whom its sidecar shall call. */
import { setTimeout as sleep } from "node:timers/promises";

for (let orderId = 1; orderId <= 20; orderId++) {
  const body = JSON.stringify({ orderId });
  const answer = await fetch(
    `http://localhost:${process.env.DAPR_HTTP_PORT}/orders`,
    {
      method: "POST",
      headers: {
        "dapr-app-id": "order-processor",
        "content-type": "application/json",
      },
      body,
    },
  );
  console.log(`Order passed: ${await answer.text()}`);
  await sleep(1000);
}
