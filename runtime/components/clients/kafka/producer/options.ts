/** What a producer is opened with. */
import type { KafkaServer } from "../cluster.ts";
import type { Compression } from "../protocol/record-batch.ts";

export interface ProducerOptions {
  server: KafkaServer;
  topic: string;
  acks: "all" | "local" | "none";
  compression: Compression;
  maxMessageBytes: number;
  /** A message not stored after this time fails. */
  deadlineMs: number;
  /** How often a batch is sent again; undefined = until the deadline. */
  retries: number | undefined;
}
