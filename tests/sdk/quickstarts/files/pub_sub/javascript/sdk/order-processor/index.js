/** Subscribes by the SDK, and prints the data of each event. */
import { DaprServer } from "@dapr/dapr";

const server = new DaprServer({
  serverHost: "127.0.0.1",
  serverPort: process.env.APP_PORT,
  clientOptions: { daprPort: process.env.DAPR_HTTP_PORT },
});
await server.pubsub.subscribe("orderpubsub", "orders", (data) =>
  console.log(`Subscriber received: ${JSON.stringify(data)}`),
);
await server.start();
