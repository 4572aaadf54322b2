/** Names its subscription when it is asked, and prints the data of each event. */
import express from "express";

const app = express();
app.use(express.json({ type: "application/*+json" }));
app.get("/dapr/subscribe", (_, res) =>
  res.json([{ pubsubname: "orderpubsub", topic: "orders", route: "orders" }]),
);
app.post("/orders", (req, res) => {
  console.log("Subscriber received:", req.body.data);
  res.sendStatus(200);
});
app.listen(process.env.APP_PORT);
