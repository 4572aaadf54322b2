/** Dapr's own `bindings` quickstart, with its components and its requests: a schedule calls the app, which inserts rows. */
import { startApp, closeApps } from "../support/recording-app.ts";
import { startDaprd, stopAll, type Daprd } from "../support/daprd.ts";
import {
  postgresPassword,
  startPostgres,
  type PostgresContainer,
} from "../support/postgres-server.ts";
import { waitFor } from "../wait-for.ts";

let postgres: PostgresContainer;

beforeAll(async () => {
  postgres = await startPostgres();
});
afterAll(async () => {
  await stopAll();
  await closeApps();
  await postgres?.stop();
});

const resources = (port: number) => ({
  "binding-postgres.yaml": `apiVersion: dapr.io/v1alpha1
kind: Component
metadata:
  name: sqldb
  namespace: quickstarts
spec:
  type: bindings.postgres
  version: v1
  metadata:
  - name: url # Required
    value: "user=postgres password=${postgresPassword} host=localhost port=${port} dbname=postgres pool_min_conns=1 pool_max_conns=10"
`,
  "binding-cron.yaml": `apiVersion: dapr.io/v1alpha1
kind: Component
metadata:
  name: cron
  namespace: quickstarts
spec:
  type: bindings.cron
  version: v1
  metadata:
  - name: schedule
    value: "@every 1s" # the quickstart's is 10s
`,
});

const orders = [
  { orderid: 1, customer: "John Smith", price: 100.32 },
  { orderid: 2, customer: "Jane Bond", price: 15.4 },
  { orderid: 3, customer: "Tony James", price: 35.56 },
];

test("each run of the schedule inserts a batch of orders", async () => {
  await postgres.query(
    "create table orders ( orderid int, customer text, price float )",
  );
  let sidecar: Daprd | undefined;
  const replies: Promise<number>[] = [];
  const app = await startApp(({ method, path }) => {
    if (path !== "/cron") return { status: 404 };
    if (method === "OPTIONS") return { status: 200 };
    if (!sidecar) return { status: 503 }; // this test does not know its port yet
    for (const { orderid, customer, price } of orders) {
      const sql = `insert into orders (orderid, customer, price) values (${orderid}, '${customer}', ${price});`;
      const reply = sidecar.call("POST", "/v1.0/bindings/sqldb", {
        // The quickstart sends a text with axios, which gives it this type.
        headers: { "content-type": "application/x-www-form-urlencoded" },
        body: `{"operation": "exec", "metadata": {"sql": "${sql}"}}`,
      });
      replies.push(reply.then(({ status }) => status));
    }
    return { status: 200 };
  });
  sidecar = await startDaprd({
    appPort: app.port,
    resources: resources(postgres.port),
  });
  await waitFor("two batches", () => replies.length >= 2 * orders.length);
  const batches = replies.length / orders.length;
  expect(new Set(await Promise.all(replies))).toEqual(new Set([200]));
  await sidecar.stop();
  expect(
    await postgres.query(
      "select orderid, customer, price, count(*)::int from orders group by 1, 2, 3 order by 1",
    ),
  ).toEqual(
    orders.map(({ orderid, customer, price }) => [
      orderid,
      customer,
      price,
      batches,
    ]),
  );
});
