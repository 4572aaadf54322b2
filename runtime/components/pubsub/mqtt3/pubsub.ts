/** pubsub.mqtt3: topics of an MQTT 3.1.1 server (docs/pubsub-mqtt3.md). */
import type { StopReading } from "../../../contracts/delivery.ts";
import { definePubSub } from "../../../contracts/pubsub.ts";
import { trustSystemAuthorities } from "../../../net/trusted-authorities.ts";
import { isTruthy } from "../../../shared/units.ts";
import { openMqtt } from "../../clients/mqtt/client.ts";
import { filterProblem } from "../../clients/mqtt/topic-filter.ts";
import { metadata, serverOf } from "./metadata.ts";
import { Readers } from "./readers.ts";

export const mqtt3 = definePubSub(
  "pubsub.mqtt3",
  metadata,
  async ({ appId, meta, log }) => {
    const server = serverOf(meta, appId);
    const isTls = server.protocol === "mqtts" || server.protocol === "wss";
    if (isTls && !meta.caCert) trustSystemAuthorities(log);
    const readers = new Readers(log);
    const client = await openMqtt(
      server,
      (message) => readers.take(message),
      log,
    );
    const qos = meta.qos as 0 | 1 | 2;
    const active = new Set<StopReading>();

    return {
      features: ["SUBSCRIBE_WILDCARDS"],
      async publish({ topic, data, metadata: own }, call) {
        if (topic === "" || /[+#\0]/.test(topic))
          throw new Error(
            `mqtt pub/sub error: nothing can be published to topic "${topic}": its name is empty, or has +, # or NUL in it`,
          );
        await client.publish(
          topic,
          Buffer.from(data.buffer, data.byteOffset, data.byteLength),
          { qos, retain: retainOf(own["retain"]) ?? meta.retain },
          call?.signal(),
        );
      },
      async subscribe({ topic, metadata: own }, handle) {
        const problem = filterProblem(topic);
        if (problem)
          throw new Error(
            `mqtt pub/sub error: topic "${topic}" can't be subscribed to: ${problem}`,
          );
        const end = readers.add(topic, handle);
        try {
          await client.subscribe(topic, qos === 0 ? 0 : 1);
        } catch (error) {
          await end();
          throw error;
        }
        // Else the server would forget what it keeps for the next time.
        const unsubscribes =
          meta.cleanSession || isTruthy(own["unsubscribeOnClose"] ?? "");
        const stop = async () => {
          active.delete(stop);
          if (unsubscribes) await client.unsubscribe(topic);
          await end();
        };
        active.add(stop);
        return stop;
      },
      async close() {
        await Promise.all([...active].map((stop) => stop()));
        await client.close();
      },
    };
  },
  { check: ({ meta, appId }) => void serverOf(meta, appId) },
);

/** As Go reads it. */
function retainOf(text: string | undefined): boolean | undefined {
  if (text === undefined || text === "") return undefined;
  if (/^(1|t|T|true|TRUE|True)$/.test(text)) return true;
  if (/^(0|f|F|false|FALSE|False)$/.test(text)) return false;
  throw new Error(
    `mqtt pub/sub error: metadata 'retain': "${text}" is not true or false`,
  );
}
