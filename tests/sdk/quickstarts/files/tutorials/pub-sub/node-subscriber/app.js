/** Subscribes to two topics. */
const express = require("express");

const app = express();
app.use(express.json({ type: "application/*+json" }));
app.get("/dapr/subscribe", (_, res) =>
  res.json(
    ["A", "B"].map((topic) => ({ pubsubname: "pubsub", topic, route: topic })),
  ),
);
for (const topic of ["A", "B"])
  app.post(`/${topic}`, (req, res) => {
    console.log(`${topic}: `, req.body.data.message);
    res.sendStatus(200);
  });
app.listen(process.env.APP_PORT);
