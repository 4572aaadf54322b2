/** Hands messages to the sidecar, which publishes each on the topic of its type. */
export interface Message {
  messageType: string;
  message: string;
}

// `dapr run` sets this, and so does the sidecar's injector in Kubernetes.
const daprPort = process.env.DAPR_HTTP_PORT || "3500";
const daprUrl = `http://localhost:${daprPort}/v1.0/publish/pubsub`;
// A sidecar that was given a token asks for it.
const token = process.env.DAPR_API_TOKEN;

/** Rejects with the reason if the sidecar did not take the message. */
export async function publish(message: Message): Promise<void> {
  console.log("Publishing: ", message);
  const url = `${daprUrl}/${message.messageType}`;
  const headers = new Headers({ "Content-Type": "application/json" });
  if (token) headers.set("dapr-api-token", token);
  const response = await fetch(url, {
    method: "POST",
    headers,
    body: JSON.stringify(message),
  }).catch((error: Error) => {
    // fetch keeps the reason in its cause
    const { code = error.message } = (error.cause ?? {}) as { code?: string };
    throw new Error(`Not published: no answer from ${url}: ${code}`);
  });
  if (response.ok) return;
  const answer = await response.text();
  throw new Error(`Not published: ${response.status} ${answer}`);
}
