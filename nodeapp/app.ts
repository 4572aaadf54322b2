/** Takes orders from its sidecar: from the input binding "sample-topic", or by service invocation (orders.ts). */
import express from "express";
import { orders, sayFailure } from "./orders.ts";

const port = Number(process.env.APP_PORT || 3000);
const app = express();
app.use(express.json());

// The path is the name of the binding component.
app.post("/sample-topic", (req, res) => {
  console.log("Hello from Kafka!");
  console.log(req.body);
  res.status(200).end(); // anything but a 2xx asks for the order again
});

app.use(orders);
app.use(sayFailure); // also of bodies that express.json() refused

const server = app.listen(port, (error) => {
  if (!error) return console.log(`Node App listening on port ${port}!`);
  console.error(
    `Cannot listen on port ${port}: ${error.message}. Stop what uses it, or give a free port: by --app-port with "dapr run", by appPort in a run file, else by APP_PORT.`,
  );
  process.exit(1);
});

for (const signal of ["SIGINT", "SIGTERM"] as const)
  process.once(signal, () => {
    // Orders in flight are answered first; idle connections of the sidecar are closed.
    server.close(() => process.exit(0));
  });
