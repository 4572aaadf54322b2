/** Takes messages of the topics A and B. */
import express from "express";
import { listen } from "./listen.ts";

const app = express();
// A message comes in a CloudEvent, whose type is application/cloudevents+json.
app.use(express.json({ type: "application/*+json" }));

// Its sidecar asks once what this app wants, and posts each message to its route.
app.get("/dapr/subscribe", (_req, res) => {
  res.json([
    { pubsubname: "pubsub", topic: "A", route: "A" },
    { pubsubname: "pubsub", topic: "B", route: "B" },
  ]);
});

app.post("/A", (req, res) => {
  console.log("A: ", textOf(req.body.data));
  res.sendStatus(200); // anything but a 2xx asks for the message again
});

app.post("/B", (req, res) => {
  console.log("B: ", textOf(req.body.data));
  res.sendStatus(200);
});

/** The publisher sends `{"messageType": "A", "message": "…"}`; others may send a text. */
const textOf = (data: { message?: string } | string | null) =>
  (data as { message?: string } | null)?.message ?? data;

listen(app, "Node App", 3000);
