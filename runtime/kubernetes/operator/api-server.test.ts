import { operatorClient } from "../../../tests/kubernetes/operator-client.ts";
import { recordingLog } from "../../../tests/support/recording-log.ts";
import { waitFor } from "../../../tests/wait-for.ts";
import type { UpdateEvent } from "../../proto/operator-methods.ts";
import { issue } from "../certificates/issue.ts";
import type { ServingCertificate } from "../certificates/serving.ts";
import { serveApi, type ApiServer } from "./api-server.ts";
import { CallerError, type Callers } from "./callers.ts";
import type { Feed } from "./feed.ts";
import type { Caller, DaprKind } from "./resources.ts";

const host = "dapr-api.dapr-system.svc";
const authority = () =>
  issue({ kind: "authority", trustDomain: "x", validMs: 3_600_000 });

async function certificateOf(
  issuer: Awaited<ReturnType<typeof authority>>,
): Promise<ServingCertificate> {
  const made = await issue({
    kind: "serving",
    issuer,
    uri: "spiffe://x",
    dnsNames: [host],
    validMs: 3_600_000,
  });
  return { ...made, root: issuer.root as string };
}

const callers: Callers = {
  identify: async (authorization) => {
    if (authorization !== "Bearer T") throw new CallerError(16, "no token");
    return { namespace: "shop", appId: "orders", pod: "orders-1" };
  },
};

/** A feed that answers with its kind, and hands out what follows it. */
function fakeFeed(kind: DaprKind, followers: Map<DaprKind, Send>): Feed {
  const json = (caller: Caller) =>
    Buffer.from(
      JSON.stringify({ metadata: { name: kind }, for: caller.appId }),
    );
  return {
    list: async (caller) => [json(caller)],
    get: async ({ namespace }, name) =>
      name === "there"
        ? Buffer.from(JSON.stringify({ metadata: { name }, namespace }))
        : undefined,
    follow: (_caller, send) => {
      followers.set(kind, send);
      return () => followers.delete(kind);
    },
    stop: () => {},
  };
}
type Send = (event: UpdateEvent) => void;

let server: ApiServer;
let certificate: ServingCertificate;
const followers = new Map<DaprKind, Send>();
const log = recordingLog();
const clients: { close(): void }[] = [];
const connect = (token: string | undefined = "T", { root } = certificate) => {
  const client = operatorClient(
    `127.0.0.1:${server.port}`,
    root,
    host,
    token || undefined,
  );
  clients.push(client);
  return client;
};

beforeAll(async () => {
  certificate = await certificateOf(await authority());
  const kinds = [
    "components",
    "configurations",
    "httpendpoints",
    "resiliencies",
    "subscriptions",
  ] as const;
  const feeds = Object.fromEntries(
    kinds.map((kind) => [kind, fakeFeed(kind, followers)]),
  ) as Record<DaprKind, Feed>;
  server = await serveApi({ feeds, callers, log, port: 0 }, certificate);
});
afterAll(async () => {
  for (const client of clients) client.close();
  await server.close();
});

test("lists of all kinds, for the caller of the token", async () => {
  const client = connect();
  const lists = [
    ["ListComponents", "components"],
    ["ListSubscriptionsV2", "subscriptions"],
    ["ListResiliency", "resiliencies"],
    ["ListHTTPEndpoints", "httpendpoints"],
  ] as const;
  for (const [method, kind] of lists)
    expect(await client.list(method, "shop")).toEqual([
      { metadata: { name: kind }, for: "orders" },
    ]);
});

test("one object by its name; an unknown one is UNKNOWN, as in the original", async () => {
  const client = connect();
  expect(await client.get("GetConfiguration", "shop", "there")).toEqual({
    metadata: { name: "there" },
    namespace: "shop",
  });
  await expect(
    client.get("GetConfiguration", "shop", "nowhere"),
  ).rejects.toMatchObject({
    code: 2,
    details:
      "error getting configurations shop/nowhere: it does not exist, or pod orders-1 does not name it in dapr.io/config",
  });
  await expect(
    client.get("GetResiliency", "shop", "nowhere"),
  ).rejects.toMatchObject({
    code: 2,
    details:
      "error getting resiliencies shop/nowhere: it does not exist, or app orders is not in its scopes",
  });
});

test("another namespace, or none, is refused; so is a call without a token", async () => {
  for (const namespace of ["bank", ""])
    await expect(
      connect().list("ListComponents", namespace),
    ).rejects.toMatchObject({ code: 7 });
  await expect(
    connect("").list("ListComponents", "shop"),
  ).rejects.toMatchObject({ code: 16, details: "no token" });
  await expect(
    connect().follow("ComponentUpdate", "bank"),
  ).rejects.toMatchObject({ code: 7 });
});

test("a stream says when it is registered, carries changes, and ends with the caller", async () => {
  const stream = await connect().follow("ComponentUpdate", "shop");
  const item = Buffer.from('{"metadata":{"name":"a"}}');
  followers.get("components")?.({ item, type: 1 });
  followers.get("components")?.({ item, type: 3 });
  await waitFor("both events", () => stream.events.length === 2);
  expect(stream.events.map(({ type, name }) => [type, name])).toEqual([
    [1, "a"],
    [3, "a"],
  ]);
  stream.stop();
  await waitFor("the end", () => !followers.has("components"));
});

test("a new certificate serves new connections", async () => {
  const next = await certificateOf(await authority());
  server.use(next);
  expect(await connect("T", next).list("ListComponents", "shop")).toHaveLength(
    1,
  );
  await expect(
    connect("T", certificate).list("ListComponents", "shop"),
  ).rejects.toMatchObject({ code: 14 });
  server.use(certificate);
});
