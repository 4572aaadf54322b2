/** Producer: invokes the method "neworder" of the app "nodeapp" once a second, through its own sidecar. */
import { everySecond, tokenHeader } from "./every-second.ts";

const daprPort = process.env.DAPR_HTTP_PORT || "3500";
const sidecar = `http://localhost:${daprPort}`;

// The app is named by a header, so the URL looks like the app's own …
let daprUrl = `${sidecar}/neworder`;
const headers: Record<string, string> = {
  "Content-Type": "application/json",
  "dapr-app-id": "nodeapp",
};
// … or, the older form, in the URL: `node neworder.ts --by-url`.
if (process.argv.includes("--by-url")) {
  daprUrl = `${sidecar}/v1.0/invoke/nodeapp/method/neworder`;
  delete headers["dapr-app-id"];
}

await everySecond(daprUrl, (orderId, signal) => {
  const order = { data: { orderId } };
  console.log(order);
  return fetch(daprUrl, {
    method: "POST",
    headers: { ...headers, ...tokenHeader },
    body: JSON.stringify(order),
    signal,
  });
});
