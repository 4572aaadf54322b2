/** `dapr publish`: publishes an event through the sidecar of a running app. */
import { CommandError, command } from "../command.ts";
import {
  addressOf,
  findInstances,
  type Instance,
} from "../instances/instances.ts";
import {
  publishEvent,
  publishUrl,
  type EventToPublish,
  type SidecarAddress,
} from "../instances/sidecar-http.ts";
import type { Io } from "../io.ts";
import { payloadFlags, readPayload, socketFlag } from "../payload.ts";
import { printable } from "../printable.ts";

const examples = `
# Publish to the topic sample of the component target, by the app myapp
dapr publish --publish-app-id myapp --pubsub target --topic sample --data '{"key":"value"}'

# … the contents of a file
dapr publish --publish-app-id myapp --pubsub target --topic sample --data-file sample.json

# … without an envelope around it
dapr publish --publish-app-id myapp --pubsub target --topic sample --data 'text' --metadata '{"rawPayload":"true"}'
`;

export const publish = command(
  "publish",
  "Publish a pub-sub event",
  {
    "publish-app-id": {
      type: "string",
      short: "i",
      takes: "app",
      about: "The ID of the publishing app; absent: the only one that runs",
    },
    pubsub: {
      type: "string",
      short: "p",
      about: "The name of the pub/sub component",
      required: true,
    },
    topic: {
      type: "string",
      short: "t",
      about: "The topic to publish to",
      required: true,
    },
    ...payloadFlags,
    metadata: {
      type: "string",
      short: "m",
      about: "The event's metadata, as a JSON object",
    },
    ...socketFlag,
  },
  { examples },
  async ({ flags, io }) => {
    const { pubsub, topic } = flags;
    const body = await readPayload("publish", flags);
    const metadata = metadataOf(flags.metadata);
    const event = { pubsub, topic, metadata, body, contentType: typeOf(body) };
    try {
      const target = await publisher(flags["publish-app-id"]);
      await send(addressOf(target, flags["unix-domain-socket"]), event, io);
    } catch (error) {
      throw new CommandError(
        `Error publishing topic ${topic}: ${(error as Error).message}`,
      );
    }
    io.status("success", "Event published successfully");
    return 0;
  },
);

/** Texts by name; other values as JSON writes them. */
function metadataOf(text: string): Record<string, string> {
  if (text === "") return {};
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch (error) {
    throw wrongMetadata((error as Error).message);
  }
  if (typeof parsed !== "object" || parsed === null || Array.isArray(parsed))
    throw wrongMetadata("it is not an object");
  return Object.fromEntries(
    Object.entries(parsed).map(([name, value]) => [
      name,
      typeof value === "string" ? value : JSON.stringify(value),
    ]),
  );
}

const wrongMetadata = (why: string) =>
  new CommandError(`Error parsing metadata as JSON. Error: ${why}`);

const ofCloudEvents = ["id", "source", "specversion", "type", "data"];

/** An object with these attributes is a CloudEvent already. */
function typeOf(body: Buffer): string {
  let parsed: unknown;
  try {
    parsed = JSON.parse(body.toString("utf8"));
  } catch {
    // The sidecar takes it as a text.
  }
  const isEvent =
    typeof parsed === "object" &&
    parsed !== null &&
    ofCloudEvents.every((name) => Object.hasOwn(parsed, name));
  return isEvent ? "application/cloudevents+json" : "application/json";
}

async function publisher(appId: string): Promise<Instance> {
  const running = await findInstances();
  // Of several the newest: it was just started.
  const found = running.findLast((one) => !appId || one.appId === appId);
  if (!found)
    throw new Error(
      `couldn't find a running Dapr instance\n    See what runs with \`dapr list\`, and start the app with \`dapr run${appId ? ` --app-id ${appId}` : ""}\`.`,
    );
  const ids = [...new Set(running.map((one) => one.appId))];
  if (!appId && ids.length > 1)
    throw new Error(
      `several apps run: say which with --publish-app-id (${ids.join(", ")})`,
    );
  return found;
}

async function send(
  address: SidecarAddress,
  event: EventToPublish,
  io: Io,
): Promise<void> {
  const { status, body } = await publishEvent(address, event);
  if (status >= 200 && status < 300) return;
  io.out(publishUrl(address, event));
  throw new Error(
    `unexpected status code ${status} on publishing to ${event.topic} in ${event.pubsub}${body.startsWith("{") ? `\n    ${printable(body)}` : ""}`,
  );
}
