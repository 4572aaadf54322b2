import { request as open, type Server } from "node:https";
import type { AddressInfo } from "node:net";
import { fakeApi } from "../../../tests/support/fake-kubernetes.ts";
import { recordingLog } from "../../../tests/support/recording-log.ts";
import { issue, type Issued } from "../certificates/issue.ts";
import { readInjectorConfig } from "./config.ts";
import { serveWebhook } from "./server.ts";
import { setCaBundle, webhookPath } from "./webhook-configuration.ts";

let authority: Issued;
let server: Server;
const log = recordingLog();

beforeAll(async () => {
  authority = await issue({
    kind: "authority",
    trustDomain: "x",
    validMs: 3_600_000,
  });
  const certificate = await issue({
    kind: "serving",
    issuer: authority,
    uri: "spiffe://x",
    dnsNames: ["localhost"],
    validMs: 3_600_000,
  });
  server = await serveWebhook({
    config: readInjectorConfig({ SIDECAR_IMAGE: "i" }),
    state: () => ({ trustAnchors: "ROOT", mtls: false }),
    certificate,
    log,
    port: 0,
  });
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});

function send(
  body: string,
  { path = "/mutate", method = "POST", type = "application/json" } = {},
): Promise<{ status: number; text: string }> {
  const { port } = server.address() as AddressInfo;
  return new Promise((resolve, reject) =>
    open(
      {
        port,
        host: "localhost",
        ca: authority.root,
        path,
        method,
        headers: { "content-type": type },
      },
      (response) => {
        let text = "";
        response.on("data", (chunk) => (text += chunk));
        response.on("end", () =>
          resolve({ status: response.statusCode ?? 0, text }),
        );
      },
    )
      .on("error", reject)
      .end(body),
  );
}

const review = (annotations: object) =>
  JSON.stringify({
    apiVersion: "admission.k8s.io/v1",
    kind: "AdmissionReview",
    request: {
      uid: "u-1",
      kind: { kind: "Pod" },
      namespace: "shop",
      userInfo: { groups: ["system:masters"] },
      object: {
        metadata: { name: "a", annotations },
        spec: { containers: [{ name: "app" }] },
      },
    },
  });

test("a review is answered under its uid; parameters of the content type don't matter", async () => {
  const { status, text } = await send(
    review({ "dapr.io/enabled": "true", "dapr.io/app-id": "a" }),
    { path: "/mutate?timeout=10s", type: "application/json; charset=utf-8" },
  );
  expect(status).toBe(200);
  expect(JSON.parse(text).response).toMatchObject({
    uid: "u-1",
    allowed: true,
    patchType: "JSONPatch",
  });
  expect(log.lines).toContain("info pod shop/a: added the sidecar of app a");
});

test.each([
  ["an empty body", "", {}, 400, "empty body"],
  [
    "another type",
    "{}",
    { type: "text/plain" },
    415,
    "invalid Content-Type, expected `application/json`",
  ],
  ["no JSON", "{", {}, 400, "not an AdmissionReview: it is not JSON"],
  ["no review", "{}", {}, 400, "apiVersion is not a string"],
  ["null", "null", {}, 400, "not an AdmissionReview: it is not an object"],
  [
    "half a review",
    '{"apiVersion":"v","kind":"k","request":{"uid":"u"}}',
    {},
    400,
    "not an AdmissionReview: request.kind is not an object",
  ],
  ["a flood", `"${"x".repeat(4 * 1024 * 1024)}"`, {}, 413, "more than"],
  ["another path", "{}", { path: "/" }, 404, "no such path"],
  ["another method", "", { method: "GET" }, 405, "GET instead of POST"],
])("%s is refused", async (_name, body, how, status, reason) => {
  const answer = await send(body, how);
  expect(answer.status).toBe(status);
  expect(answer.text).toContain(reason);
});

const asked = { "dapr.io/enabled": "true", "dapr.io/app-id": "a" };
const pod = { metadata: { annotations: asked }, spec: {} };
const request = {
  uid: "u",
  kind: { kind: "Pod" },
  userInfo: { groups: ["system:masters"] },
  object: pod,
};
test.each<[string, object]>([
  ["request is not an object", { request: [] }],
  ["request.uid is not a string", { request: { ...request, uid: 1 } }],
  ["request.kind.kind is not a string", { request: { ...request, kind: {} } }],
  [
    "request.userInfo is not an object",
    { request: { ...request, userInfo: "root" } },
  ],
  [
    "request.userInfo.groups[0] is not a string",
    { request: { ...request, userInfo: { groups: [{}] } } },
  ],
  ["request.object is not an object", { request: { ...request, object: 1 } }],
  [
    "request.object.metadata is not an object",
    { request: { ...request, object: {} } },
  ],
  [
    'request.object.metadata.annotations["dapr.io/enabled"] is not a string',
    {
      request: {
        ...request,
        object: { metadata: { annotations: { "dapr.io/enabled": true } } },
      },
    },
  ],
  ...(
    [
      ["spec is not an object", undefined],
      ["spec.containers is not a list", { containers: {} }],
      ["spec.containers[0] is not an object", { containers: [null] }],
      ["spec.containers[0].name is not a string", { containers: [{}] }],
      [
        "spec.containers[0].env is not a list",
        { containers: [{ name: "a", env: 1 }] },
      ],
      ["spec.volumes[0] is not an object", { volumes: ["v"] }],
    ] as const
  ).map(([reason, spec]): [string, object] => [
    `request.object.${reason}`,
    { request: { ...request, object: { ...pod, spec } } },
  ]),
])("refused in words: %s", async (reason, body) => {
  const sent = { apiVersion: "v1", kind: "AdmissionReview", ...body };
  const answer = await send(JSON.stringify(sent));
  expect(answer).toEqual({
    status: 400,
    text: `not an AdmissionReview: ${reason}\n`,
  });
});

test("what Go writes for nothing is nothing", async () => {
  const bare = {
    metadata: { annotations: asked, labels: null },
    spec: { containers: [{ name: "a", env: null }], volumes: null },
  };
  const { status, text } = await send(
    JSON.stringify({
      apiVersion: "v1",
      kind: "AdmissionReview",
      request: { ...request, object: bare },
    }),
  );
  expect(status).toBe(200);
  expect(JSON.parse(text).response.patchType).toBe("JSONPatch");
});

test("the caBundle follows the root, and is left alone when it is right", async () => {
  const entry = { name: "sidecar-injector.dapr.io", clientConfig: {} };
  const api = fakeApi();
  const webhooks: { name: string; clientConfig: { caBundle?: string } }[] = [
    { name: "other", clientConfig: {} },
    entry,
  ];
  api.answers.set(webhookPath, () => ({ webhooks }));
  expect(await setCaBundle(api, "ROOT")).toBe(true);
  expect(api.calls.at(-1)).toBe(
    `PATCH ${webhookPath} [{"op":"test","path":"/webhooks/1/name","value":"sidecar-injector.dapr.io"},{"op":"add","path":"/webhooks/1/clientConfig/caBundle","value":"Uk9PVA=="}]`,
  );
  webhooks[1] = { ...entry, clientConfig: { caBundle: "Uk9PVA==" } };
  expect(await setCaBundle(api, "ROOT")).toBe(false);
  webhooks.pop();
  await expect(setCaBundle(api, "ROOT")).rejects.toThrow(
    "apply the manifests again",
  );
});
