/** `/v1.0/publish/TOPIC`, as in the first releases of Dapr: which bus is meant, and when none is. */
import { DatabaseSync } from "node:sqlite";
import { join } from "node:path";
import { component } from "../support/component.ts";
import { startDaprd, stopAll } from "../support/daprd.ts";
import { tempFolder } from "../support/temp-folder.ts";

afterEach(stopAll);

/** A sidecar with these buses, each with a file of its own, and what is stored in a bus. */
async function startWith(...names: string[]) {
  const folder = tempFolder("publish-unnamed");
  const file = (name: string) => join(folder, `${name}.db`);
  const sidecar = await startDaprd({
    resources: Object.fromEntries(
      names.map((name) => [
        `${name}.yaml`,
        component(name, "pubsub.sqlite", { path: file(name) }),
      ]),
    ),
  });
  const stored = (name: string): unknown[] => {
    const db = new DatabaseSync(file(name), { readOnly: true });
    try {
      return db
        .prepare("SELECT value FROM log_message ORDER BY id")
        .all()
        .map(({ value }) => {
          const text = Buffer.from(value as Uint8Array).toString("utf8");
          const { pubsubname, topic, data } = JSON.parse(text) as Record<
            string,
            unknown
          >;
          return { pubsubname, topic, data };
        });
    } finally {
      db.close();
    }
  };
  return { sidecar, stored };
}

const request = {
  headers: { "content-type": "application/json" },
  body: '{"status":"completed"}',
};

test.each([
  ["the only one", ["orders"], "orders"],
  ["pubsub", ["orders", "pubsub", "messagebus"], "pubsub"],
  ["messagebus", ["orders", "messagebus"], "messagebus"],
])("the bus that is meant is %s, of %j", async (_, names, meant) => {
  const { sidecar, stored } = await startWith(...names);
  for (const method of ["POST", "PUT"]) {
    const reply = await sidecar.call(method, "/v1.0/publish/A%20B", request);
    expect(reply).toMatchObject({ status: 204, text: "" });
  }
  const event = {
    pubsubname: meant,
    topic: "A B",
    data: { status: "completed" },
  };
  expect(stored(meant)).toEqual([event, event]);
});

test.each([
  ["none", []],
  ["two that are called neither pubsub nor messagebus", ["a", "b"]],
])("with %s the path is unknown, as it is today", async (_, names) => {
  const { sidecar } = await startWith(...names);
  const reply = await sidecar.call("POST", "/v1.0/publish/A", request);
  expect(reply.status).toBe(404);
  expect(reply.json()).toEqual({
    errorCode: "ERR_DIRECT_INVOKE",
    message: expect.stringMatching(
      /^POST \/v1\.0\/publish\/A is not in this API\. /,
    ),
  });
});

test.each(["/v1.0/publish/pubsub", "/v1.0/publish/pubsub/"])(
  "%s has forgotten its topic",
  async (path) => {
    const { sidecar } = await startWith("pubsub");
    const reply = await sidecar.call("POST", path, request);
    expect(reply.status).toBe(404);
    expect(reply.text).toContain("/v1.0/publish/pubsub is not in this API");
  },
);

test("a request that names an app calls that app", async () => {
  const { sidecar } = await startWith("pubsub");
  const reply = await sidecar.call("POST", "/v1.0/publish/A", {
    ...request,
    headers: { ...request.headers, "dapr-app-id": "nobody" },
  });
  expect(reply.status).toBe(500);
  expect(reply.text).toContain("ERR_DIRECT_INVOKE");
  expect(reply.text).toContain("nobody");
});

test("a topic may be called as the path of bulk publishing is", async () => {
  const { sidecar, stored } = await startWith("pubsub");
  const { status } = await sidecar.call("POST", "/v1.0/publish/bulk", request);
  expect(status).toBe(204);
  expect(stored("pubsub")).toMatchObject([{ topic: "bulk" }]);
});
