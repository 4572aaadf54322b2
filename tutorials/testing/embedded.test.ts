/** The order app beside a sidecar whose store and message bus are in its memory. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe } from "node:test";
import { component } from "./component.ts";
import { testOrders } from "./order-tests.ts";

describe("orders in memory", async () => {
  const receipts = await mkdtemp(join(tmpdir(), "receipts-"));
  testOrders(async () => ({
    receipts,
    components: [
      component("statestore", "state.in-memory"),
      component("pubsub", "pubsub.in-memory"),
      component("receipts", "bindings.localstorage", { rootPath: receipts }),
    ],
  }));
  after(() => rm(receipts, { recursive: true }));
});
