/** The tests of the order app. They are the same whatever its components are. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { startSidecar, type Component, type Sidecar } from "dapr-ts/testing";
import { app } from "./order-app.ts";

export interface Setting {
  components: Component[];
  /** Where the component `receipts` writes its files. */
  receipts: string;
}

/** Called in a suite. `prepare` says what the app's sidecar gets. */
export function testOrders(prepare: () => Promise<Setting>): void {
  const server = app.listen(0, "127.0.0.1");
  let sidecar: Sidecar;
  let receipts: string;

  before(async () => {
    if (!server.listening) await once(server, "listening");
    const setting = await prepare();
    receipts = setting.receipts;
    sidecar = await startSidecar({
      appId: "orders",
      appPort: (server.address() as AddressInfo).port,
      components: setting.components,
    });
    process.env.DAPR_HTTP_PORT = String(sidecar.httpPort);
  });

  after(async () => {
    await sidecar?.stop();
    server.close();
  });

  const post = (path: string, body: unknown) =>
    fetch(`${sidecar.httpEndpoint}/v1.0/${path}`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(body),
    });
  const kept = async (id: string) => {
    const answer = await fetch(
      `${sidecar.httpEndpoint}/v1.0/state/statestore/${id}`,
    );
    return (await answer.json()) as { status: string };
  };

  test("an order is kept in the state store", async () => {
    const answer = await post("invoke/orders/method/orders", {
      id: "1",
      item: "book",
    });
    assert.equal(answer.status, 201);
    assert.deepEqual(await kept("1"), {
      id: "1",
      item: "book",
      status: "open",
    });
  });

  test("a payment that is published makes the order paid", async (t) => {
    await post("publish/pubsub/payments", { orderId: "1" });
    await t.waitFor(
      async () => assert.equal((await kept("1")).status, "paid"),
      { timeout: 60_000 },
    );
  });

  test("a paid order has a receipt", () => {
    assert.equal(
      readFileSync(join(receipts, "1.txt"), "utf8"),
      "One book, paid.",
    );
  });
}
