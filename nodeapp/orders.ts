/** State: keeps the latest order in the component "statestore", through the sidecar. */
import { Router, type ErrorRequestHandler } from "express";

// `dapr run` sets these, and so does the sidecar's injector in Kubernetes.
const daprPort = process.env.DAPR_HTTP_PORT ?? "3500";
const daprGRPCPort = process.env.DAPR_GRPC_PORT ?? "50001";
const stateUrl = `http://localhost:${daprPort}/v1.0/state/statestore`;
// A sidecar that was given a token asks for it.
const token = process.env.DAPR_API_TOKEN;

export const orders = Router();

orders.post("/neworder", async (req, res) => {
  const data = req.body?.data;
  if (data?.orderId === undefined || data.orderId === null)
    return res.status(400).send({
      message:
        'Send {"data": {"orderId": 42}} with the header Content-Type: application/json.',
    });
  console.log(`Got a new order! Order ID: ${data.orderId}`);
  await callStore("Failed to persist state", stateUrl, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify([{ key: "order", value: data }]),
  });
  console.log("Successfully persisted state.");
  res.status(200).send();
});

orders.get("/order", async (_req, res) => {
  const state = await callStore("Could not get state", `${stateUrl}/order`);
  // 204 without a body: there is no order.
  res
    .status(state.status)
    .type("json")
    .send(await state.text());
});

orders.delete("/order", async (_req, res) => {
  const url = `${stateUrl}/order`;
  await callStore("Could not delete state", url, { method: "DELETE" });
  console.log("Deleted the order.");
  res.status(204).send();
});

orders.get("/ports", (_req, res) => {
  console.log(`DAPR_HTTP_PORT: ${daprPort}, DAPR_GRPC_PORT: ${daprGRPCPort}`);
  res.send({ DAPR_HTTP_PORT: daprPort, DAPR_GRPC_PORT: daprGRPCPort });
});

async function callStore(failure: string, url: string, request?: RequestInit) {
  const headers = new Headers(request?.headers);
  if (token) headers.set("dapr-api-token", token);
  const response = await fetch(url, { ...request, headers }).catch(
    (error: Error) => {
      // fetch keeps the reason in its cause
      const { code = error.message } = (error.cause ?? {}) as { code?: string };
      throw new Error(`${failure}: no answer from ${url}: ${code}`);
    },
  );
  if (response.ok) return response;
  const answer = await response.text();
  throw new Error(`${failure}: ${response.status} ${answer}`);
}

/**
 * Answers what a handler threw, and a body that could not be read, which comes
 * with a status of its own. Express knows it by its four parameters.
 */
export const sayFailure: ErrorRequestHandler = (error, _req, res, _next) => {
  const { message, status = 500 } = error as Error & { status?: number };
  console.log(message);
  res.status(status).send({ message });
};
