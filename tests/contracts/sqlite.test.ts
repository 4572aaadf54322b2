/** bindings.sqlite against the contract of every binding. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { bindingContract } from "./binding-contract.ts";

bindingContract("bindings.sqlite", async () => {
  const folder = mkdtempSync(join(tmpdir(), "sqlite-contract-"));
  return {
    metadata: {
      path: join(folder, "embedded.db"),
      topics: "orders",
      publishTopic: "orders",
      consumerGroup: "group1",
    },
    bad: { metadata: { consumerGroup: "group1" }, error: /missing 'topics'/ },
    dispose: async () => rmSync(folder, { recursive: true }),
  };
});
