/** Takes messages of the topics A and C. */
import express from "express";
import { listen } from "./listen.ts";

const app = express();
app.use(express.json({ type: "application/*+json" }));

app.get("/dapr/subscribe", (_req, res) => {
  res.json(
    ["A", "C"].map((topic) => ({ pubsubname: "pubsub", topic, route: topic })),
  );
});

// One handler for both: the CloudEvent says which topic it was.
app.post(["/A", "/C"], (req, res) => {
  const { topic, data } = req.body;
  console.log(`${topic}: `, data?.message ?? data);
  res.sendStatus(200);
});

listen(app, "Second App", 5001);
