/** What only the HTTP API has of publishing, and a component that changes; all else is in doors-publish.test.ts. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { waitFor } from "../wait-for.ts";
import { component } from "../support/component.ts";
import { startDaprd, stopAll, type Daprd } from "../support/daprd.ts";

const scoped = (scopes: string) =>
  component("scoped", "pubsub.in-memory", { publishingScopes: scopes });

let sidecar: Daprd;
beforeAll(async () => {
  sidecar = await startDaprd({
    resources: {
      "a.yaml": component("bus", "pubsub.sqlite", {
        path: "./bus.db",
        partitions: "1",
      }),
      "b.yaml": scoped("testapp=a"),
    },
  });
});
afterAll(stopAll);

const entry = (entryId: string, metadata = {}) => ({
  entryId,
  event: { n: entryId },
  contentType: "application/json",
  metadata,
});
const bulk = (path: string, entries: object[], method = "POST") =>
  sidecar.call(method, path, { body: JSON.stringify(entries) });

test.each(["/v1.0/publish/bulk/bus/t", "/v1.0-alpha1/publish/bulk/bus/t"])(
  "%s says which entries were not stored, in the body and in headers",
  async (path) => {
    const failing = entry("2", { partitionNumber: "7" });
    const reply = await bulk(path, [entry("1"), failing]);
    const error =
      'partitionNumber "7" is not a partition of topic t: use 0 to 0';
    expect(reply.status).toBe(500);
    expect(reply.json()).toEqual({
      failedEntries: [{ entryId: "2", error }],
      errorCode: "ERR_PUBSUB_PUBLISH_MESSAGE",
    });
    expect(reply.headers).toMatchObject({
      "content-type": "application/json",
      "metadata.responsedata": reply.text,
      "metadata.error": `api error: code = Internal desc = error when publishing to topic t in pubsub bus: ${error}`,
    });
  },
);

test("an answer about many entries is told in its body alone", async () => {
  const entries = Array.from({ length: 1000 }, (_, i) =>
    entry(`${i}`, { partitionNumber: "7" }),
  );
  const reply = await bulk("/v1.0/publish/bulk/bus/t", entries);
  const { failedEntries } = reply.json() as { failedEntries: unknown[] };
  expect(failedEntries).toHaveLength(1000);
  expect(reply.headers["metadata.responsedata"]).toBeUndefined();
  expect(reply.headers["metadata.error"]).toContain("api error: ");
});

test("PUT is as good as POST, and a published event has no answer", async () => {
  for (const method of ["POST", "PUT"]) {
    const single = await sidecar.call(method, "/v1.0/publish/bus/t", {
      body: "1",
    });
    const several = await bulk(
      "/v1.0/publish/bulk/bus/t",
      [entry("1")],
      method,
    );
    for (const { status, text, headers } of [single, several]) {
      expect([status, text]).toEqual([204, ""]);
      expect(headers["content-type"]).toBeUndefined();
    }
  }
});

test.each(["/v1.0/publish/bus", "/v1.0/publish/bus/", "/v1.0/publish//"])(
  "%s names no topic, and so is no path of the API",
  async (path) => {
    const reply = await sidecar.call("POST", path, { body: "1" });
    expect(reply.status).toBe(404);
    expect(reply.json()).toMatchObject({ errorCode: "ERR_DIRECT_INVOKE" });
  },
);

test("an escape in a topic that is broken is refused", async () => {
  const { status, text } = await sidecar.call("POST", "/v1.0/publish/bus/%zz", {
    body: "1",
  });
  expect([status, text]).toEqual([
    400,
    'failed to unescape request parameter "topic". Error: invalid URL escape "%zz"',
  ]);
});

test("an error has details", async () => {
  const reply = await sidecar.call("POST", "/v1.0/publish/scoped/b", {
    body: "1",
  });
  const message = "topic b is not allowed for app id testapp";
  expect(reply.json()).toEqual({
    errorCode: "ERR_PUBSUB_FORBIDDEN",
    message,
    details: [
      {
        "@type": "type.googleapis.com/google.rpc.ResourceInfo",
        resource_type: "pubsub",
        resource_name: "scoped",
        owner: "",
        description: message,
      },
      {
        "@type": "type.googleapis.com/google.rpc.ErrorInfo",
        reason: "DAPR_PUBSUB_FORBIDDEN",
        domain: "dapr.io",
        metadata: { error: message, topic: "b" },
      },
    ],
  });
});

test("the metadata of the sidecar tell what a message bus can do", async () => {
  const { components } = (
    await sidecar.call("GET", "/v1.0/metadata")
  ).json() as { components: object[] };
  expect(components).toContainEqual({
    name: "scoped",
    type: "pubsub.in-memory",
    version: "v1",
    capabilities: ["SUBSCRIBE_WILDCARDS"],
  });
});

test("scopes change with the component's file", async () => {
  const status = async (topic: string) =>
    (await sidecar.call("POST", `/v1.0/publish/scoped/${topic}`, { body: "1" }))
      .status;
  expect([await status("a"), await status("b")]).toEqual([204, 403]);
  writeFileSync(join(sidecar.resources, "b.yaml"), scoped("testapp=b;typo"));
  await waitFor("the new scope", async () => (await status("b")) === 204);
  expect(await status("a")).toBe(403);
  expect(
    await sidecar.logged('"typo" is not of the form app=topic,topic'),
  ).toMatch(/so it protects nothing \(.*b\.yaml:\d+:\d+\)$/);
});
