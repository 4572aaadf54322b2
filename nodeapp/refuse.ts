/** To try it out: a consumer that refuses each order twice. An order comes again until it is taken. */
import express from "express";

const app = express();
app.use(express.json());
const tries = new Map<string, number>();

app.post("/sample-topic", (req, res) => {
  const order = JSON.stringify(req.body);
  const count = (tries.get(order) ?? 0) + 1;
  tries.set(order, count);
  const status = count < 3 ? 500 : 200;
  console.log(`${order}, try ${count}: ${status}`);
  res.status(status).end();
});

const port = Number(process.env.APP_PORT || 3000);
app.listen(port, (error) => {
  if (error) throw error;
  console.log(`Refusing app listening on port ${port}!`);
});
