import { Readable } from "node:stream";
import {
  AppUnreachable,
  type AppChannel,
} from "../../contracts/app-channel.ts";
import {
  CallError,
  type ForwardReply,
  type ForwardRequest,
  type PeerRequest,
} from "../../contracts/invocation.ts";
import type { Logger } from "../../shared/log.ts";
import type { NameResolver, Peer } from "../../contracts/name-resolver.ts";
import { createInvocation, type InvocationOptions } from "./invocation.ts";
import { plainPolicies } from "../../../tests/support/invocation-policies.ts";
import { callUntil, stayingCall } from "../../../tests/support/call.ts";

const lines: string[] = [];
const write = (line: string) => void lines.push(line);
const log = { debug() {}, info: write, warn: write } as unknown as Logger;
const peer: Peer = { host: "10.0.0.2", port: 50002 };
/** As of an app that does not listen. */
const refusal = new AppUnreachable(
  "the app could not be called: connect ECONNREFUSED",
  { isAway: true },
);
const failingApp = (error: unknown) =>
  ({ invoke: () => Promise.reject(error) }) as unknown as AppChannel;
const answer = {
  status: 200,
  headers: ["A", "1", "Connection", "x"],
  body: Buffer.from("ok"),
};

/** An invocation block whose app, peers and addresses outside answer "ok" and note what they are asked. */
function open(more: Partial<InvocationOptions> = {}) {
  const toApp: ForwardRequest[] = [];
  const toPeers: { peer: Peer; request: PeerRequest }[] = [];
  const toUrls: [string, ForwardRequest][] = [];
  const forgotten: Peer[] = [];
  const app = {
    invoke: async (request: ForwardRequest) => {
      toApp.push(request);
      return answer;
    },
  } as unknown as AppChannel;
  const resolver: NameResolver = {
    resolve: async (id) => (id === "other" ? peer : undefined),
    forget: (_id, _namespace, gone) => void forgotten.push(gone),
    close: async () => {},
  };
  const block = createInvocation({
    appId: "own",
    namespace: "default",
    app,
    isAppHealthy: () => true,
    isAppAwaited: () => false,
    resolvers: [resolver],
    peers: {
      call: async (to, request) => {
        toPeers.push({ peer: to, request });
        return answer;
      },
      proxy: async () => {},
      close: async () => {},
    },
    external: {
      callUrl: async (url, request) => {
        toUrls.push([url, request]);
        return answer;
      },
      callEndpoint: async ({ name }, request) => {
        toUrls.push([name, request]);
        return answer;
      },
      forget: async () => {},
      close: async () => {},
    },
    endpoints: new Map([
      ["shop", { name: "shop", baseUrl: "http://x", headers: [] }],
    ]),
    accessControl: undefined,
    policies: plainPolicies(),
    host: { name: "box", address: "10.0.0.1" },
    hasApiToken: true,
    log,
    ...more,
  });
  return { block, toApp, toPeers, toUrls, forgotten };
}

const request = (more: Partial<ForwardRequest> = {}): ForwardRequest => ({
  method: "GET",
  path: "/a",
  headers: [],
  body: undefined,
  ...more,
});

const identity = (callee: string) => [
  "dapr-caller-app-id",
  "own",
  "dapr-caller-namespace",
  "default",
  "dapr-callee-app-id",
  callee,
];

test.each(["own", "own.default"])(
  "%s is the own app, called without resolver or forwarded headers",
  async (target) => {
    const { block, toApp } = open({ resolvers: [] });
    const headers = ["dapr-caller-app-id", "liar", "dapr-api-token", "t"];
    const reply = await block.invoke(
      target,
      request({ path: "/x/../a?b=%20", headers }),
      stayingCall,
    );
    expect(reply).toEqual({ ...answer, headers: ["A", "1"] });
    expect(toApp).toMatchObject([
      { path: "/a?b=%20", headers: identity("own") },
    ]);
  },
);

test.each([
  ["other", "default"],
  ["other.ns2", "ns2"],
  ["own.ns2", undefined],
])(
  "%s is looked up and called with forwarded headers",
  async (target, space) => {
    const { block, toPeers } = open();
    const call = block.invoke(target, request(), stayingCall);
    if (space === undefined)
      return expect(call).rejects.toThrow(
        "couldn't find service: own.ns2; is its sidecar running, with NAMESPACE=ns2?",
      );
    await call;
    expect(toPeers).toMatchObject([
      {
        peer,
        request: {
          appId: "other",
          namespace: space,
          headers: identity("other").concat(
            ["X-Forwarded-For", "10.0.0.1", "X-Forwarded-Host", "box"],
            ["Forwarded", "for=10.0.0.1;by=10.0.0.1;host=box"],
          ),
        },
      },
    ]);
  },
);

test.each([["https://example.com"], ["HTTP://example.com:80"], ["shop"]])(
  "%s is outside: told nothing of who calls",
  async (target) => {
    const { block, toUrls } = open();
    await block.invoke(target, request(), stayingCall);
    expect(toUrls).toMatchObject([[target, { path: "/a", headers: [] }]]);
  },
);

test.each([
  ["nobody", /err: couldn't find service: nobody; is its sidecar running\?$/],
  ["a.b.c", /err: invalid app id a\.b\.c$/],
  [".ns", /err: invalid app id \.ns$/],
  ["own@ns", /couldn't find service: own@ns/],
])("%s: the documented error", async (target, message) => {
  await expect(
    open().block.invoke(target, request(), stayingCall),
  ).rejects.toMatchObject({
    status: 500,
    code: "ERR_DIRECT_INVOKE",
    message: expect.stringMatching(message) as string,
  });
});

test("an app whose port is still awaited is tried: it may be there already", async () => {
  const awaited = { isAppHealthy: () => false, isAppAwaited: () => true };
  const { block, toApp } = open(awaited);
  await expect(
    block.invoke("own", request(), stayingCall),
  ).resolves.toMatchObject({
    status: 200,
  });
  expect(toApp).toHaveLength(1);
  const withApp = (error: unknown) =>
    open({ ...awaited, app: failingApp(error) }).block;
  await expect(
    withApp(refusal).invoke("own", request(), stayingCall),
  ).rejects.toThrow(
    "failed to invoke, id: own, err: app is not in a healthy state",
  );
  // It came to the app, so no other may get it too.
  const lost = new AppUnreachable("read ECONNRESET");
  await expect(withApp(lost).receive(request())).rejects.toMatchObject({
    kind: "internal",
    message: "read ECONNRESET",
    unsent: false,
  });
});

test("an app that is missing or unhealthy is an error at once", async () => {
  await expect(
    open({ app: undefined }).block.invoke("own", request(), stayingCall),
  ).rejects.toThrow(
    "failed to invoke, id: own, err: cannot invoke local endpoint: app channel not initialized",
  );
  await expect(
    open({ isAppHealthy: () => false }).block.invoke(
      "own",
      request(),
      stayingCall,
    ),
  ).rejects.toThrow(
    "failed to invoke, id: own, err: app is not in a healthy state",
  );
  await expect(
    open({ app: undefined }).block.receive(request()),
  ).rejects.toMatchObject({
    kind: "internal",
    message: "app channel is not initialized",
  });
});

test("a resolver that can't be asked matters only when no other knows the app", async () => {
  const broken: NameResolver = {
    resolve: () => Promise.reject(new Error("the registry is locked")),
    close: async () => {},
  };
  const { block } = open();
  expect((await block.invoke("other", request(), stayingCall)).status).toBe(
    200,
  );
  await expect(
    open({ resolvers: [broken] }).block.invoke("other", request(), stayingCall),
  ).rejects.toThrow("the registry is locked");
});

describe("retries between sidecars", () => {
  const retryMs = 30;

  /** Peers that fail the first calls; how often they were called. */
  function failing(error: CallError, times = Infinity) {
    let calls = 0;
    const opened = open({
      policies: plainPolicies(retryMs),
      peers: {
        call: async () => {
          if (++calls <= times) throw error;
          return answer;
        },
        proxy: async () => {},
        close: async () => {},
      },
    });
    return { ...opened, calls: () => calls };
  }
  const unsent = new CallError("unavailable", "refused", { unsent: true });
  const broken = new CallError("unavailable", "reset");

  test("a call that reached nobody is made anew, three times, after a pause", async () => {
    const { block, calls, forgotten } = failing(unsent);
    const started = performance.now();
    await expect(
      block.invoke("other", request({ method: "POST" }), stayingCall),
    ).rejects.toThrow(
      "failed to invoke, id: other, err: failed to invoke target other after 3 retries. Error: refused",
    );
    expect(performance.now() - started).toBeGreaterThan(2.9 * retryMs);
    expect(calls()).toBe(4);
    expect(forgotten).toEqual([peer, peer, peer, peer]);
  });

  test("a GET is made anew even when its connection broke", async () => {
    lines.splice(0);
    const { block, calls } = failing(broken, 1);
    const call = block.invoke("other", request(), stayingCall);
    expect((await call).status).toBe(200);
    expect(calls()).toBe(2);
    expect(lines).toEqual([
      "Error processing operation DaprBuiltInServiceRetries. Retrying in 30ms…",
      "Recovered processing operation DaprBuiltInServiceRetries after 2 attempts",
    ]);
  });

  test.each([
    ["a POST that may have happened", broken, request({ method: "POST" })],
    ["a streamed body", unsent, request({ body: Readable.from([]) })],
    ["an error of the callee", new CallError("internal", "x"), request()],
    ["a refusal", new CallError("denied", "x"), request()],
  ])("%s is not repeated", async (_, error, sent) => {
    const { block, calls } = failing(error);
    await expect(block.invoke("other", sent, stayingCall)).rejects.toThrow(
      error.message,
    );
    expect(calls()).toBe(1);
  });

  describe("where several sidecars have the app", () => {
    /** Peers by their last number: each fails with its error, or answers. */
    function several(
      errors: (CallError | ForwardReply | undefined)[],
      more: Partial<InvocationOptions> = {},
    ) {
      const all = errors.map((_, i) => ({ host: `10.0.0.${i}`, port: 1 }));
      const gone = new Set<Peer>();
      const calls: number[] = [];
      const resolver: NameResolver = {
        resolve: async () => all.find((one) => !gone.has(one)) ?? all[0],
        forget: (_id, _namespace, one) => void gone.add(one),
        close: async () => {},
      };
      const { block } = open({
        policies: plainPolicies(3_600_000), // no test gets past a pause
        resolvers: [resolver],
        peers: {
          call: async (to) => {
            const index = all.indexOf(to);
            calls.push(index);
            const error = errors[index];
            if (error instanceof Error) throw error;
            return error ?? answer;
          },
          proxy: async () => {},
          close: async () => {},
        },
        ...more,
      });
      const post = () =>
        block.invoke("other", request({ method: "POST" }), stayingCall);
      return { post, calls };
    }
    const unhealthy = new CallError("internal", "sick", { unsent: true });

    test("one that refuses leads to the next at once, and the next call goes there", async () => {
      const { post, calls } = several([unsent, unhealthy, undefined]);
      expect((await post()).status).toBe(200);
      await post();
      expect(calls).toEqual([0, 1, 2, 2]);
    });

    test("all refuse: another round after a pause", async () => {
      const { post, calls } = several([unsent, unsent], {
        policies: plainPolicies(retryMs),
      });
      await expect(post()).rejects.toThrow("after 3 retries. Error: refused");
      expect(calls).toEqual([0, 1, 0, 0, 0]);
    });

    test("a gRPC app that is away leads to the next, and is the answer if there is none", async () => {
      const away = {
        status: 503,
        headers: [],
        body: new Uint8Array(0),
        grpc: { code: 14, message: "away", trailers: [], unsent: true },
      };
      const { post, calls } = several([away, undefined]);
      expect((await post()).status).toBe(200);
      expect(calls).toEqual([0, 1]);
      const alone = several([away], { policies: plainPolicies(retryMs) });
      expect((await alone.post()).grpc).toMatchObject({ code: 14 });
      expect(alone.calls).toEqual([0, 0, 0, 0]);
    });

    test("an unhealthy app without a fellow is an error at once", async () => {
      const { post, calls } = several([unhealthy]);
      await expect(post()).rejects.toThrow("err: sick");
      expect(calls).toEqual([0]);
    });

    test("a POST that may have come to its app goes to no other", async () => {
      const { post, calls } = several([broken, undefined]);
      await expect(post()).rejects.toThrow("reset");
      expect(calls).toEqual([0]);
    });

    test("what can't be sent at all is no reason to forget a sidecar", async () => {
      const invalid = new CallError("invalid", "bad header", { unsent: true });
      const { post, calls } = several([invalid, undefined]);
      await expect(post()).rejects.toThrow("bad header");
      await expect(post()).rejects.toThrow("bad header");
      expect(calls).toEqual([0, 0]);
    });
  });

  test("a caller that went away ends the wait", async () => {
    const { block, calls } = failing(unsent);
    const signal = AbortSignal.timeout(retryMs / 3);
    const call = block.invoke("other", request(), callUntil(signal));
    await expect(call).rejects.toThrow();
    expect(calls()).toBe(1);
  });
});

test("access control judges the path that goes on the wire", async () => {
  const accessControl = {
    defaultAction: "deny" as const,
    trustDomain: "public",
    policies: [],
  };
  const { block, toApp } = open({ accessControl });
  await expect(
    block.receive(request({ method: "POST", path: "/x/%2e%2e/neworder" })),
  ).rejects.toMatchObject({
    kind: "denied",
    message:
      "access control policy has denied access to id: unknown operation: neworder verb: POST",
  });
  await block.invoke("own", request(), stayingCall); // its own caller needs no leave
  expect(toApp).toHaveLength(1);
});

test("of an app over gRPC access control compares no verb, and case counts", async () => {
  const policy = {
    appId: "a",
    namespace: "n",
    trustDomain: "t",
    defaultAction: "deny" as const,
    operations: [],
  };
  const accessControl = {
    defaultAction: "deny" as const,
    trustDomain: "public",
    policies: [policy],
  };
  const app = { ...failingApp(refusal), proxy: async () => {} };
  const { block } = open({ accessControl, app });
  await expect(
    block.receive(request({ method: "POST", path: "/NewOrder" })),
  ).rejects.toMatchObject({
    kind: "denied",
    message:
      "access control policy has denied access to id: unknown operation: NewOrder verb: NONE",
  });
});

test("a denial at the callee is 403", async () => {
  const { block } = open({
    peers: {
      call: () => Promise.reject(new CallError("denied", "no")),
      proxy: async () => {},
      close: async () => {},
    },
  });
  await expect(
    block.invoke("other", request(), stayingCall),
  ).rejects.toMatchObject({
    status: 403,
    code: "ERR_DIRECT_INVOKE",
    message: "failed to invoke, id: other, err: no",
  });
});

test("an app that refuses the connection has seen nothing, one that broke it may have", async () => {
  const received = (error: unknown) =>
    open({ app: failingApp(error) }).block.receive(request());
  await expect(received(refusal)).rejects.toMatchObject({
    kind: "unavailable",
    unsent: true,
    message: "the app could not be called: connect ECONNREFUSED",
  });
  // `unavailable` makes the original ask anew.
  const cut = new CallError("unavailable", "the sidecar shuts down");
  for (const error of [new AppUnreachable("read ECONNRESET"), cut])
    await expect(received(error)).rejects.toMatchObject({
      kind: "internal",
      unsent: false,
      message: error.message,
    });
});

test("what another sidecar passes on reaches the app with its identity, normalised", async () => {
  const { block, toApp } = open();
  const headers = ["dapr-caller-app-id", "other", "destination-app-id", "own"];
  await block.receive(request({ path: "//a%20b/", headers }));
  expect(toApp).toMatchObject([
    { path: "/a%20b", headers: ["dapr-caller-app-id", "other"] },
  ]);
  await expect(block.receive(request({ path: "/a%00" }))).rejects.toMatchObject(
    { kind: "invalid" },
  );
});

test("app ids outside Latin-1 travel as their UTF-8 bytes", async () => {
  const { block, toApp } = open({ appId: "订单" });
  await block.invoke("订单", request(), stayingCall);
  const { headers } = toApp[0]!;
  for (const name of ["dapr-caller-app-id", "dapr-callee-app-id"]) {
    const value = headers[headers.indexOf(name) + 1]!;
    expect(Buffer.from(value, "latin1").toString("utf8")).toBe("订单");
  }
});
