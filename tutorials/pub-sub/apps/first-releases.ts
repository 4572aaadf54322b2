/** To try it out: a subscriber as apps wrote it for the first releases of Dapr. It names topics, and no component. */
import express from "express";
import { listen } from "./listen.ts";

const app = express();
app.use(express.json({ type: "application/*+json" }));

app.get("/dapr/subscribe", (_req, res) => {
  res.json(["A", "B"]);
});

app.post(["/A", "/B"], (req, res) => {
  const { topic, data } = req.body;
  console.log(`${topic}: `, data);
  res.sendStatus(200);
});

listen(app, "Node App", 3000);
