/** pubsub.sqlite against the contract of every message bus, and what is its own. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { pubsubContract } from "./pubsub-contract.ts";
import type { PubSubSetup } from "./pubsub-harness.ts";

pubsubContract("pubsub.sqlite", {
  has: ["durable", "groups", "order", "metadata", "contentType"],
  oddTopics: ["orders/EU", "Grüße ☕", "a,b", "__proto__", "%2F..\\'\""],
  async makeSetup(): Promise<PubSubSetup> {
    const folder = mkdtempSync(join(tmpdir(), "pubsub-contract-"));
    const path = join(folder, "embedded.db");
    let other: DatabaseSync;
    return {
      metadata: { path },
      bad: [
        { metadata: { path: ":memory:" }, error: /'path': a file is needed/ },
        {
          metadata: { path, partitions: "0" },
          error: /'partitions': 0 is not 1 to 1024/,
        },
        { metadata: { path: folder }, error: folder },
      ],
      badEntry: {
        metadata: { partitionNumber: "99" },
        error: /partitionNumber "99" is not a partition of topic orders/,
      },
      outage: {
        async begin() {
          other = new DatabaseSync(path);
          other.exec("BEGIN IMMEDIATE");
        },
        async end() {
          other.exec("ROLLBACK");
          other.close();
        },
        error: /embedded\.db is locked by another program/,
      },
      dispose: async () => rmSync(folder, { recursive: true }),
    };
  },
});
