/** Whenever the schedule calls it, inserts the orders of a file, by the SDK. */
import { readFileSync } from "node:fs";
import { DaprClient, DaprServer } from "@dapr/dapr";

const { orders } = JSON.parse(readFileSync("../../../orders.json", "utf8"));
const daprPort = process.env.DAPR_HTTP_PORT;
const client = new DaprClient({ daprPort });
const server = new DaprServer({
  serverHost: "127.0.0.1",
  serverPort: process.env.APP_PORT,
  clientOptions: { daprPort },
});

await server.binding.receive("cron", async () => {
  for (const { orderid, customer, price } of orders) {
    const sql = `insert into orders (orderid, customer, price) values (${orderid}, '${customer}', ${price});`;
    console.log(sql);
    await client.binding.send("sqldb", "exec", "", { sql });
  }
  console.log("Finished processing batch");
});
await server.start();
