/** Takes orders from the input binding "sample-topic" and keeps the latest in "statestore", with Dapr's SDK. */
import { DaprServer, HttpMethod } from "@dapr/dapr";
import { communicationProtocol } from "./protocol.ts";

interface Order {
  orderId: number;
}

const server = new DaprServer({
  serverPort: process.env.APP_PORT ?? "3000",
  communicationProtocol,
});
const { state } = server.client;

await server.binding.receive("sample-topic", async (order: Order) => {
  console.log(`Got a new order! Order ID: ${order.orderId}`);
  const { error } = await state.save("statestore", [
    { key: "order", value: order },
  ]);
  if (error) throw error; // then the order comes again
  console.log("Successfully persisted state.");
});

await server.invoker.listen("order", () => state.get("statestore", "order"), {
  method: HttpMethod.GET,
});

await server.start();
console.log("The consumer takes orders.");

for (const signal of ["SIGINT", "SIGTERM"])
  process.once(signal, async () => {
    await server.stop();
    process.exit(0);
  });
