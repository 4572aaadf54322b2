/** To try it out: refuses each message that begins with "bad". What nobody took comes back as a dead letter. */
import express from "express";
import { listen } from "./listen.ts";

const app = express();
app.use(express.json({ type: "application/*+json" }));
const tries = new Map<string, number>();

app.get("/dapr/subscribe", (_req, res) => {
  res.json([
    {
      pubsubname: "pubsub",
      topic: "A",
      route: "A",
      deadLetterTopic: "dead-letters",
    },
    { pubsubname: "pubsub", topic: "dead-letters", route: "dead-letters" },
  ]);
});

app.post("/A", (req, res) => {
  const { id, data } = req.body;
  const count = (tries.get(id) ?? 0) + 1;
  tries.set(id, count);
  const status = String(data?.message ?? data).startsWith("bad") ? 500 : 200;
  console.log("A: ", data?.message ?? data, `(try ${count}: ${status})`);
  res.sendStatus(status);
});

app.post("/dead-letters", (req, res) => {
  const { topic, data } = req.body;
  console.log(`Dead letter of ${topic}: `, data?.message ?? data);
  res.sendStatus(200);
});

listen(app, "Refusing App", 3000);
