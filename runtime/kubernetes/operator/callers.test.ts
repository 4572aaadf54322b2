import { fakeApi } from "../../../tests/support/fake-kubernetes.ts";
import { KubeError } from "../api/client.ts";
import { openCallers } from "./callers.ts";

const reviews = "/apis/authentication.k8s.io/v1/tokenreviews";
const podPath = "/api/v1/namespaces/shop/pods/orders-1";
const extra = (name: string, uid: string) => ({
  "authentication.kubernetes.io/pod-name": [name],
  "authentication.kubernetes.io/pod-uid": [uid],
});
const good = {
  authenticated: true,
  audiences: ["audience"],
  user: {
    username: "system:serviceaccount:shop:default",
    extra: extra("orders-1", "u-1"),
  },
};

function setUp(status: object, pod: object = {}) {
  const api = fakeApi({
    [podPath]: {
      metadata: {
        name: "orders-1",
        namespace: "shop",
        uid: "u-1",
        annotations: { "dapr.io/app-id": "orders", "dapr.io/config": "c" },
      },
      spec: { serviceAccountName: "default" },
      ...pod,
    },
  });
  let asked: unknown;
  api.answers.set(reviews, (body) => {
    asked = body;
    return { status };
  });
  const callers = openCallers(api, "audience");
  return { api, callers, asked: () => asked };
}

test("a token is reviewed for the audience, and the pod says who it is", async () => {
  const { callers, asked, api } = setUp(good);
  expect(await callers.identify("Bearer T")).toEqual({
    namespace: "shop",
    pod: "orders-1",
    appId: "orders",
    config: "c",
  });
  expect(asked()).toMatchObject({
    spec: { token: "T", audiences: ["audience"] },
  });
  // remembered: the next ones cost nothing
  await Promise.all([
    callers.identify("Bearer T"),
    callers.identify("Bearer T"),
  ]);
  expect(api.calls).toHaveLength(2);
});

test.each([
  ["no token", undefined, good, {}, 16, "authorization: Bearer TOKEN"],
  ["another scheme", "Basic x", good, {}, 16, "authorization: Bearer TOKEN"],
  ["a refused token", "Bearer T", { error: "expired" }, {}, 16, "expired"],
  [
    "a token of an API server that knows no audiences",
    "Bearer T",
    { ...good, audiences: undefined },
    {},
    16,
    "it needs the audience audience",
  ],
  [
    "a token for others",
    "Bearer T",
    { ...good, audiences: ["https://kubernetes.default.svc"] },
    {},
    16,
    "it needs the audience audience",
  ],
  [
    "a token without a pod",
    "Bearer T",
    { ...good, user: { username: "system:serviceaccount:a:b" } },
    {},
    7,
    "belongs to no pod",
  ],
  [
    "a user's token",
    "Bearer T",
    { ...good, user: { username: "jane" } },
    {},
    7,
    "belongs to no pod",
  ],
  [
    "a pod that was made anew",
    "Bearer T",
    { ...good, user: { ...good.user, extra: extra("orders-1", "u-0") } },
    {},
    7,
    "earlier pod",
  ],
  [
    "a pod that is gone",
    "Bearer T",
    { ...good, user: { ...good.user, extra: extra("orders-2", "u-1") } },
    {},
    7,
    "is gone",
  ],
  [
    "another account",
    "Bearer T",
    good,
    { spec: { serviceAccountName: "other" } },
    7,
    "does not run as default",
  ],
])("%s is refused", async (_name, token, status, pod, code, message) => {
  const { callers } = setUp(status, pod);
  await expect(callers.identify(token)).rejects.toMatchObject({
    code,
    message: expect.stringContaining(message),
  });
});

test("when Kubernetes does not answer the caller is to try again, and is not remembered", async () => {
  const { callers, api } = setUp(good);
  const answer = api.answers.get(reviews) as () => unknown;
  api.answers.set(reviews, () => {
    throw new KubeError("POST", 0, "ECONNREFUSED");
  });
  await expect(callers.identify("Bearer T")).rejects.toMatchObject({
    code: 14,
  });
  api.answers.set(reviews, answer);
  expect(await callers.identify("Bearer T")).toMatchObject({ appId: "orders" });
});

test("a refused token is remembered for a while, and costs Kubernetes nothing meanwhile", async () => {
  const { callers, api } = setUp({ error: "expired" });
  const now = jest.spyOn(performance, "now");
  const refusal = (ms: number, token = "Bearer T") => {
    now.mockReturnValue(ms);
    return expect(callers.identify(token)).rejects.toMatchObject({ code: 16 });
  };
  await refusal(0);
  await refusal(9_999);
  expect(api.calls).toHaveLength(1);
  await refusal(9_999, "Bearer U");
  expect(api.calls).toHaveLength(2);
  api.answers.set(reviews, () => ({ status: good }));
  now.mockReturnValue(10_001);
  expect(await callers.identify("Bearer T")).toMatchObject({ appId: "orders" });
  now.mockRestore();
});
