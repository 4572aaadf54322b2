/** Takes orders, keeps them in a state store, learns on a topic that one is paid, and writes a receipt then. */
import express from "express";

// `dapr run` sets the port. It is read with each call, since a test knows it only when the sidecar runs.
const sidecar = () =>
  `http://127.0.0.1:${process.env.DAPR_HTTP_PORT ?? "3500"}/v1.0`;

interface Order {
  id: string;
  item: string;
  status: "open" | "paid";
}

export const app = express();
app.use(
  express.json({ type: ["application/json", "application/cloudevents+json"] }),
);

app.post("/orders", async (req, res) => {
  await save({ ...req.body, status: "open" });
  res.sendStatus(201);
});

app.get("/dapr/subscribe", (_req, res) => {
  res.json([{ pubsubname: "pubsub", topic: "payments", route: "payments" }]);
});

app.post("/payments", async (req, res) => {
  const { orderId } = req.body.data;
  const answer = await call(`state/statestore/${orderId}`);
  const order = (await answer.json()) as Order;
  await call("bindings/receipts", {
    operation: "create",
    data: `One ${order.item}, paid.`,
    metadata: { fileName: `${order.id}.txt` },
  });
  await save({ ...order, status: "paid" });
  res.sendStatus(200); // anything but a 2xx asks for the message again
});

const save = (order: Order) =>
  call("state/statestore", [{ key: order.id, value: order }]);

/** A GET, or a POST with a body. Throws unless the sidecar answers with a 2xx. */
async function call(path: string, body?: unknown): Promise<Response> {
  const answer = await fetch(`${sidecar()}/${path}`, {
    method: body === undefined ? "GET" : "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
  });
  if (!answer.ok)
    throw new Error(`${path}: ${answer.status} ${await answer.text()}`);
  return answer;
}
