/** The properties of pubsub.rabbitmq (docs/pubsub-rabbitmq.md). */
import {
  MetadataError,
  bool,
  choice,
  number,
  text,
  type MetadataValues,
} from "../../../contracts/metadata.ts";
import { serverMetadata } from "../../clients/rabbitmq/settings.ts";

export const metadata = {
  ...serverMetadata,
  consumerID: text(
    "Queues are named `<consumerID>-<topic>`: sidecars with one consumerID share the messages; absent: the app ID.",
  ),
  durable: bool("Exchanges and queues outlive the server's restart.", {
    default: true,
  }),
  deletedWhenUnused: bool(
    "An exchange goes with its last queue, and a queue with its last reader, together with its messages.",
    { default: true },
  ),
  autoAck: bool(
    "The server takes a message for done once it has sent it: what the app does not take is lost.",
    { default: false },
  ),
  requeueInFailure: bool(
    "`true`: a refused message goes back to its queue; `false`: it is dropped, or moved by `enableDeadLetter`; absent: it is delivered again until the app takes it, unless `enableDeadLetter`.",
  ),
  deliveryMode: number(
    "2: messages outlive the server's restart, in a durable queue; 0 or 1: they do not. The original's default is 0.",
    { default: 2 },
  ),
  prefetchCount: number(
    "How many messages of a subscription are at the sidecar at the same time, 1 to 255; 0: 255.",
    { default: 0 },
  ),
  publisherConfirm: bool(
    "A success means that the server has the message. The original's default is false.",
    { default: true },
  ),
  exchangeKind: choice(["fanout", "topic", "direct", "headers"])(
    "Kind of the exchanges.",
    { default: "fanout" },
  ),
  concurrency: choice(["parallel", "single"])(
    "`single`: one message of a subscription after the other.",
    { default: "parallel" },
  ),
  enableDeadLetter: bool(
    "A refused message goes to the queue `dlq-<queue>`, by the exchange `dlx-<queue>`.",
    { default: false },
  ),
  maxLen: number(
    "A queue keeps so many messages at most, the dead-letter queue too; 0 or absent: no limit.",
  ),
  maxLenBytes: number(
    "The same in bytes of the messages' bodies; 0 or absent: no limit.",
  ),
  ttlInSeconds: number(
    "How long a message lives that does not say so itself; absent: for ever.",
  ),
  publishMessagePropertiesToMetadata: bool(
    "The app also gets `metadata.messageid`, `metadata.correlationid`, `metadata.type`, `metadata.contenttype`, and each header as `metadata.<name>`.",
    { default: false },
  ),
};

export type RabbitMetadata = MetadataValues<typeof metadata>;

/** Throws on a number that can't be used. */
export function checkMetadata(meta: RabbitMetadata): void {
  check(meta, "deliveryMode", 0, 2);
  check(meta, "prefetchCount", 0, 255);
  check(meta, "ttlInSeconds", 1, 2 ** 31);
  check(meta, "maxLen", 0, Number.MAX_SAFE_INTEGER);
  check(meta, "maxLenBytes", 0, Number.MAX_SAFE_INTEGER);
}

type NumberName =
  "deliveryMode" | "prefetchCount" | "ttlInSeconds" | "maxLen" | "maxLenBytes";

function check(
  meta: RabbitMetadata,
  name: NumberName,
  least: number,
  most: number,
): void {
  const value = meta[name];
  if (value === undefined) return;
  if (!Number.isInteger(value) || value < least || value > most)
    throw new MetadataError(
      `rabbitmq pub/sub error: metadata '${name}': ${value} is not a whole number from ${least} to ${most}`,
    );
}
