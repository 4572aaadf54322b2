/** Keeps the last order in the state store. */
const express = require("express");

const store = `http://localhost:${process.env.DAPR_HTTP_PORT}/v1.0/state/statestore`;
const app = express();
app.use(express.json());

app.post("/neworder", async (req, res) => {
  const { data } = req.body;
  console.log("Got a new order! Order ID: " + data.orderId);
  const { ok } = await fetch(store, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify([{ key: "order", value: data }]),
  });
  if (!ok) return res.sendStatus(500);
  console.log("Successfully persisted state.");
  res.sendStatus(200);
});

app.get("/order", async (_, res) =>
  res.send(await (await fetch(`${store}/order`)).json()),
);

app.listen(process.env.APP_PORT);
