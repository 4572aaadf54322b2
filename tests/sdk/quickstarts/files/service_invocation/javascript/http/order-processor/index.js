/** Answers each order with the order. */
import express from "express";

const app = express();
app.use(express.json());
app.post("/orders", (req, res) => {
  console.log("Order received:", req.body);
  res.json(req.body);
});
app.listen(process.env.APP_PORT);
