import { lookup } from "node:dns/promises";
import { openBuiltIn } from "../../../tests/contracts/open-component.ts";
import { nameResolvers } from "../index.ts";

jest.mock("node:dns/promises", () => ({ lookup: jest.fn() }));
const dns = lookup as unknown as jest.Mock;

const open = (metadata: Record<string, string> = {}) =>
  openBuiltIn(nameResolvers, "nameresolution.kubernetes", { metadata });
const self = {
  appId: "me",
  namespace: "shop",
  host: "10.0.0.1",
  port: 50_123,
};
const answers = (...addresses: string[]) =>
  dns.mockResolvedValue(
    addresses.map((address) => ({
      address,
      family: address.includes(":") ? 6 : 4,
    })),
  );

beforeEach(() => dns.mockReset());

test("one of the Service's pods, at the caller's own internal port", async () => {
  const resolver = await open();
  await resolver.register!(self);
  answers("10.0.0.2", "10.0.0.3", "fd00::4");
  const seen = new Set<string>();
  for (let i = 0; i < 200; i++) {
    const peer = await resolver.resolve("orders", "shop");
    expect(peer!.port).toBe(50_123);
    seen.add(peer!.host);
  }
  expect([...seen].sort()).toEqual(["10.0.0.2", "10.0.0.3", "fd00::4"]);
  // Asked once: the answer is believed for a while.
  expect(dns.mock.calls).toEqual([
    ["orders-dapr.shop.svc.cluster.local.", { all: true }],
  ]);
});

test("one that did not answer makes it ask anew, and so does an answer of 20 s ago", async () => {
  const resolver = await open({ clusterDomain: "example.org" });
  answers("10.0.0.2");
  const peer = await resolver.resolve("orders", "shop");
  resolver.forget!("orders", "shop", peer!);
  answers("10.0.0.9");
  expect((await resolver.resolve("orders", "shop"))!.host).toBe("10.0.0.9");
  expect(dns.mock.calls[1]![0]).toBe("orders-dapr.shop.svc.example.org.");

  const now = jest.spyOn(performance, "now");
  now.mockReturnValue(performance.now() + 20_001);
  await resolver.resolve("orders", "shop");
  now.mockRestore();
  expect(dns).toHaveBeenCalledTimes(3);
});

test("one that did not answer is left alone for 5 s, unless there is no other", async () => {
  const resolver = await open();
  const now = jest.spyOn(performance, "now");
  const at = (ms: number) => now.mockReturnValue(ms);
  at(0);
  // It is still told: a pod that ends, or a cluster's DNS that remembers it.
  answers("10.0.0.2", "10.0.0.3");
  const gone = { host: "10.0.0.2", port: 50_002 };
  resolver.forget!("orders", "shop", gone);
  const hosts = async () => {
    const seen = new Set<string>();
    for (let i = 0; i < 50; i++)
      seen.add((await resolver.resolve("orders", "shop"))!.host);
    return [...seen].sort();
  };
  at(4_999);
  expect(await hosts()).toEqual(["10.0.0.3"]);
  at(5_001);
  expect(await hosts()).toEqual(["10.0.0.2", "10.0.0.3"]);
  answers("10.0.0.2");
  resolver.forget!("orders", "shop", gone);
  expect(await hosts()).toEqual(["10.0.0.2"]);
  now.mockRestore();
});

test("no ready pod is an error that says so, and is not remembered", async () => {
  const resolver = await open();
  dns.mockRejectedValueOnce(
    Object.assign(new Error("getaddrinfo"), { code: "ENOTFOUND" }),
  );
  await expect(resolver.resolve("orders", "shop")).rejects.toThrow(
    "couldn't find service: orders: no pod that is ready stands behind orders-dapr.shop.svc.cluster.local",
  );
  answers("10.0.0.2");
  expect(await resolver.resolve("orders", "shop")).toEqual({
    host: "10.0.0.2",
    port: 50_002,
  });
});

test("a template stands for the Service's name; a wrong one is refused", async () => {
  const resolver = await open({
    template: "{{.ID}}.{{ .Namespace }}.mesh:{{.Port}}",
  });
  await resolver.register!(self);
  answers("10.0.0.2");
  expect(await resolver.resolve("orders", "shop")).toEqual({
    host: "10.0.0.2",
    port: 50_123,
  });
  expect(dns.mock.calls[0]![0]).toBe("orders.shop.mesh");
  await expect(open({ template: "{{.Data.region}}" })).rejects.toThrow(
    "{{.Data.region}} is not one of {{.ID}}, {{.Namespace}}, {{.Port}}",
  );
});
