/** Prints what comes from the input binding. */
const express = require("express");

const app = express();
app.use(express.json());
app.post("/sample-topic", (req, res) => {
  console.log("Hello from Kafka!");
  console.log(req.body);
  res.sendStatus(200);
});
app.listen(process.env.APP_PORT);
