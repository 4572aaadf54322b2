/** Fetches a secret, by the SDK. */
import { DaprClient } from "@dapr/dapr";

const client = new DaprClient({ daprPort: process.env.DAPR_HTTP_PORT });
const secret = await client.secret.get("localsecretstore", "secret");
console.log(`Fetched Secret: ${JSON.stringify(secret)}`);
