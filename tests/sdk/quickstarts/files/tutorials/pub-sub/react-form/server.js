/** Publishes what the page posts. */
const express = require("express");

const pubsub = `http://localhost:${process.env.DAPR_HTTP_PORT}/v1.0/publish/pubsub`;
const app = express();
app.use(express.json());
app.post("/publish", async (req, res) => {
  console.log("Publishing: ", req.body);
  const { ok } = await fetch(`${pubsub}/${req.body.messageType}`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(req.body),
  });
  res.sendStatus(ok ? 200 : 500);
});
app.listen(process.env.APP_PORT);
