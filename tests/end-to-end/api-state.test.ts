/** The state API over HTTP (docs/protocol/state.md), on the stores that need no server. */
import { Agent } from "node:http";
import { join } from "node:path";
import { startDaprd, stopAll, type Daprd } from "../support/daprd.ts";
import {
  items,
  statePath as path,
  stateStore,
} from "../support/state-store.ts";
import { tempFolder } from "../support/temp-folder.ts";
import { waitFor } from "../wait-for.ts";

afterAll(stopAll);

const uuid = expect.stringMatching(
  /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/,
);
const empty = { status: 204, text: "" };

describe.each([
  ["state.in-memory", () => ({})],
  [
    "state.sqlite",
    () => ({ connectionString: join(tempFolder("api-state"), "state.db") }),
  ],
])("%s:", (type, metadata) => {
  let sidecar: Daprd;
  beforeAll(async () => {
    sidecar = await startDaprd({
      appId: "nodeapp",
      resources: { "store.yaml": stateStore(type, metadata()) },
    });
  });

  const ask = async (
    method: string,
    at: string,
    body?: string,
    headers?: Record<string, string>,
  ) => {
    const reply = await sidecar.call(method, at, {
      ...(body === undefined ? {} : { body }),
      ...(headers ? { headers } : {}),
    });
    return { status: reply.status, text: reply.text, headers: reply.headers };
  };
  const save = (body: string, query = "") => ask("POST", path + query, body);
  const get = (key: string) => ask("GET", `${path}/${key}`);
  const refused = async (
    reply: Promise<{ status: number; text: string }>,
    status: number,
    errorCode: string,
    message: unknown,
  ) => {
    const { status: got, text } = await reply;
    expect({ status: got, ...(JSON.parse(text) as object) }).toMatchObject({
      status,
      errorCode,
      message,
    });
    return JSON.parse(text) as { details?: unknown };
  };

  test.each(["POST", "PUT"])(
    "%s saves, GET reads, DELETE removes",
    async (method) => {
      const body = items({ key: "order", value: { orderId: "42" } });
      const saved = await ask(method, path, body);
      expect(saved).toMatchObject(empty);
      expect(saved.headers["content-type"]).toBeUndefined();
      const found = await get("order");
      expect(found).toMatchObject({ status: 200, text: '{"orderId":"42"}' });
      expect(found.headers["content-type"]).toBe("application/json");
      expect(found.headers["etag"]).toEqual(uuid);
      expect(await ask("DELETE", `${path}/order`)).toMatchObject(empty);
      const gone = await get("order");
      expect(gone).toMatchObject(empty);
      expect(gone.headers["etag"]).toBeUndefined();
      expect(await ask("DELETE", `${path}/order`)).toMatchObject(empty);
    },
  );

  test.each([
    [
      "keys sorted, <>& escaped",
      '{"b":"<&>","a":[1,2]}',
      '{"a":[1,2],"b":"\\u003c\\u0026\\u003e"}',
    ],
    ["a string keeps its quotes", '"text"', '"text"'],
    [
      "numbers stay as written",
      '{"price":10.00,"id":9007199254740993,"more":[1e21,1E400,-0,1.0]}',
      '{"id":9007199254740993,"more":[1e21,1E400,-0,1.0],"price":10.00}',
    ],
    ["null", "null", "null"],
    [
      "names like the prototype's",
      '{"__proto__":{"a":1},"constructor":2}',
      '{"__proto__":{"a":1},"constructor":2}',
    ],
  ])("a value is encoded again: %s", async (_, value, stored) => {
    await save(`[{"key":"v","value":${value}}]`);
    expect(await get("v")).toMatchObject({ status: 200, text: stored });
  });

  test("numbers come back digit for digit, whichever route saves or reads them", async () => {
    const value = '{"id":9007199254740993,"price":10.00}';
    const operations = `[{"operation":"upsert","request":{"key":"t","value":${value}}}]`;
    await save(`[{"key":"s1","value":${value}},{"key":"s2","value":${value}}]`);
    await ask("POST", `${path}/transaction`, `{"operations":${operations}}`);
    for (const key of ["s1", "s2", "t"])
      expect((await get(key)).text).toBe(value);
    const bulk = await ask("POST", `${path}/bulk`, '{"keys":["s1","t"]}');
    expect(bulk.text.split(`"data":${value}`)).toHaveLength(3);
  });

  test.each([
    [
      "members in any case, the last wins",
      '[{"KEY":"x","key":"m","VALUE":1,"value":2}]',
      "2",
    ],
    ["unknown members", '[{"key":"m","value":3,"x":{"key":"y"}}]', "3"],
    ["what follows the first value", '[{"key":"m","value":4}] trailing', "4"],
    ["an absent value", '[{"key":"m"}]', "null"],
    [
      "nulls",
      '[{"key":"m","value":5,"etag":null,"metadata":null,"options":null}]',
      "5",
    ],
    [
      "the request's content type",
      '[{"key":"m","value":6,"contentType":"text/plain"}]',
      "6",
    ],
  ])("a body is read as the original reads it: %s", async (_, body, stored) => {
    expect(
      await ask("POST", path, body, { "content-type": "text/plain" }),
    ).toMatchObject(empty);
    expect((await get("m")).text).toBe(stored);
  });

  test.each(["[]", "null"])("%s saves nothing", async (body) => {
    expect(await save(body)).toMatchObject(empty);
  });

  test("keys are unescaped as parts of a path", async () => {
    await save(items({ key: "a b/c%d|é", value: 1 }));
    for (const key of ["a+b%2Fc%25d%7C%C3%A9", "a%20b%2fc%25d|%c3%a9"])
      expect((await get(key)).text).toBe("1");
    const bad = await get("a%zz");
    expect(bad.status).toBe(400);
    expect(bad.headers["content-type"]).toMatch("text/plain");
    expect(bad.text).toBe(
      'failed to unescape request parameter "key". Error: invalid URL escape "%zz"',
    );
  });

  test("two different keys stay different", async () => {
    for (const key of ["u\ufffd", "plus"])
      await save(items({ key, value: key }));
    for (const part of ["u%FF", "u%fe", "u%C3", "%ED%A0%80"])
      for (const method of ["GET", "DELETE"]) {
        const { status, text } = await ask(method, `${path}/${part}`);
        expect([status, text]).toEqual([
          400,
          `failed to unescape request parameter "key". Error: "${part}" is not UTF-8`,
        ]);
      }
    expect((await get("u%EF%BF%BD")).text).toBe('"u\ufffd"');
    // A single surrogate becomes U+FFFD everywhere, as in the original.
    expect(await save('[{"key":"u\\ud800","value":1}]')).toMatchObject(empty);
    expect((await get("u%EF%BF%BD")).text).toBe("1");
    const bulk = await ask("POST", `${path}/bulk`, '{"keys":["u\\udc00"]}');
    expect(JSON.parse(bulk.text)).toMatchObject([{ key: "u\ufffd", data: 1 }]);
  });

  test("a TTL may be as long as a date can be", async () => {
    const set = (ttlInSeconds: string) =>
      save(items({ key: "long", value: 1, metadata: { ttlInSeconds } }));
    for (const seconds of ["2147483648", "100000000000"]) {
      const ttlMs = Number(seconds) * 1000;
      const from = Date.now() + ttlMs;
      expect(await set(seconds)).toMatchObject(empty);
      const to = Date.now() + ttlMs;
      const { headers, status } = await get("long");
      expect(status).toBe(200);
      const end = Date.parse(headers["metadata.ttlexpiretime"] as string);
      expect(end).toBeGreaterThan(from - 5000);
      expect(end).toBeLessThan(to + 5000);
    }
    await refused(
      set("99999999999999"),
      500,
      "ERR_STATE_SAVE",
      expect.stringContaining(
        '"99999999999999" is more than 100000000000; 0 is for good',
      ),
    );
  });

  test("an etag guards a save and a delete", async () => {
    await save(items({ key: "e", value: 1 }));
    const first = (await get("e")).headers["etag"] as string;
    expect(
      await save(items({ key: "e", value: 2, etag: first })),
    ).toMatchObject(empty);
    const mismatch = expect.stringMatching(
      /: possible etag mismatch\. error from state store/,
    );
    await refused(
      save(items({ key: "e", value: 3, etag: first })),
      409,
      "ERR_STATE_SAVE",
      mismatch,
    );
    const remove = (etag: string) =>
      ask("DELETE", `${path}/e`, undefined, { "if-match": etag });
    await refused(remove(first), 409, "ERR_STATE_DELETE", mismatch);
    expect((await get("e")).text).toBe("2");
    expect(
      await remove((await get("e")).headers["etag"] as string),
    ).toMatchObject(empty);
    expect(await get("e")).toMatchObject(empty);
  });

  test("of several first-writes the first passes", async () => {
    const options = { concurrency: "first-write", consistency: "strong" };
    expect(await save(items({ key: "f", value: 1, options }))).toMatchObject(
      empty,
    );
    await refused(
      save(items({ key: "f", value: 2, options })),
      409,
      "ERR_STATE_SAVE",
      expect.stringContaining("possible etag mismatch"),
    );
    await refused(
      ask("DELETE", `${path}/f?concurrency=sometimes`),
      500,
      "ERR_STATE_DELETE",
      "failed deleting state with key f: unrecognized concurrency model 'sometimes'",
    );
    expect((await get("f?consistency=eventual")).text).toBe("1");
  });

  test("a TTL may be in the body or in the query, and the query wins", async () => {
    const before = Date.now();
    await save(
      items({ key: "t1", value: 1, metadata: { ttlInSeconds: "1000" } }),
    );
    const after = Date.now();
    await save(
      items({ key: "t2", value: 1, metadata: { ttlInSeconds: "1000" } }),
      "?metadata.ttlInSeconds=1&metadata.ttlInSeconds=500",
    );
    const header = (await get("t1")).headers[
      "metadata.ttlexpiretime"
    ] as string;
    expect(Date.parse(header)).toBeGreaterThan(before + 990_000);
    expect(Date.parse(header)).toBeLessThan(after + 1_010_000);
    await waitFor("its end", async () => (await get("t2")).status === 204);
    await refused(
      save(items({ key: "t3", value: 1, metadata: { ttlInSeconds: "soon" } })),
      500,
      "ERR_STATE_SAVE",
      expect.stringContaining("incorrect value for metadata 'ttlInSeconds'"),
    );
  });

  test.each(["POST", "PUT"])("%s bulk answers in order", async (method) => {
    await save(
      items(
        { key: "b1", value: "<1>" },
        { key: "b2", value: 2, metadata: { ttlInSeconds: "1000" } },
      ),
    );
    const reply = await ask(
      method,
      `${path}/bulk`,
      '{"keys":["b2","none","b1","b2"],"parallelism":2,"metadata":{"a":"b"}}',
    );
    expect(reply.status).toBe(200);
    expect(reply.headers["content-type"]).toBe("application/json");
    const b2 = {
      key: "b2",
      data: 2,
      etag: uuid,
      metadata: { ttlExpireTime: expect.any(String) },
    };
    expect(JSON.parse(reply.text)).toEqual([
      b2,
      { key: "none" },
      { key: "b1", data: "<1>", etag: uuid },
      b2,
    ]);
    expect(JSON.parse((await ask(method, `${path}/bulk`, "{}")).text)).toEqual(
      [],
    );
  });

  test.each(["POST", "PUT"])(
    "%s transaction is all or nothing",
    async (method) => {
      await save(items({ key: "x1", value: 1 }, { key: "x2", value: 1 }));
      const transact = (...operations: unknown[]) =>
        ask(method, `${path}/transaction`, JSON.stringify({ operations }));
      const upsert = (key: string, value: unknown, etag?: string) => ({
        operation: "upsert",
        request: { key, value, etag },
      });
      expect(
        await transact(upsert("x1", { n: 2 }), {
          operation: "delete",
          request: { key: "x2" },
        }),
      ).toMatchObject(empty);
      expect((await get("x1")).text).toBe('{"n":2}');
      expect(await get("x2")).toMatchObject(empty);
      await refused(
        transact(upsert("x1", 3), upsert("x2", 3, "other")),
        500,
        "ERR_STATE_TRANSACTION",
        expect.stringMatching(
          /^error while executing state transaction: possible etag mismatch/,
        ),
      );
      expect((await get("x1")).text).toBe('{"n":2}');
      expect(await transact()).toMatchObject(empty);
      await refused(
        transact({ operation: "rename" }),
        400,
        "ERR_NOT_SUPPORTED_STATE_OPERATION",
        "operation type rename not supported",
      );
    },
  );

  test.each([
    ["", "failed deserializing HTTP body: EOF"],
    ["{", expect.stringMatching(/^failed deserializing HTTP body: /)],
    [
      "{".padEnd(200_000),
      expect.stringMatching(/^failed deserializing HTTP body: [^:]+$/),
    ],
    [
      '{"key":"a"}',
      "json: cannot unmarshal object into Go value of type []state.SetRequest",
    ],
    [
      "[1]",
      "json: cannot unmarshal number into Go value of type state.SetRequest",
    ],
    [
      '[{"key":1}]',
      "json: cannot unmarshal number into Go struct field SetRequest.key of type string",
    ],
    [
      '[{"key":"a","etag":1}]',
      "json: cannot unmarshal number into Go struct field SetRequest.etag of type string",
    ],
    [
      '[{"key":"a","metadata":{"a":1}}]',
      "json: cannot unmarshal number into Go struct field SetRequest.metadata of type string",
    ],
    ['[{"value":1}]', '"key" is a required field'],
    ["[null]", '"key" is a required field'],
  ])(
    "a save of %j gets the error of a malformed request",
    async (body, message) => {
      await refused(save(body), 400, "ERR_MALFORMED_REQUEST", message);
    },
  );

  test.each([
    ["bulk", '{"keys":"a"}'],
    ["bulk", '{"keys":[1]}'],
    ["bulk", "[]"],
    ["bulk", ""],
    ["transaction", '{"operations":{}}'],
    [
      "transaction",
      '{"operations":[{"operation":"upsert","request":{"key":1}}]}',
    ],
    ["transaction", "x"],
  ])(
    "%s with %j gets the error of a malformed request",
    async (route, body) => {
      await refused(
        ask("POST", `${path}/${route}`, body),
        400,
        "ERR_MALFORMED_REQUEST",
        expect.stringMatching(/^failed deserializing HTTP body: /),
      );
    },
  );

  test("a key with || is refused by every route, and the error has details", async () => {
    const message =
      "api error: code = InvalidArgument desc = input key/keyPrefix 'a||b' can't contain '||'";
    const key = "a||b";
    const asked = [
      get("a%7C%7Cb"),
      ask("DELETE", `${path}/a%7C%7Cb`),
      save(items({ key, value: 1 })),
      ask("POST", `${path}/bulk`, JSON.stringify({ keys: [key] })),
      ask(
        "POST",
        `${path}/transaction`,
        JSON.stringify({
          operations: [{ operation: "delete", request: { key } }],
        }),
      ),
    ];
    for (const reply of asked) {
      const { details } = await refused(
        reply,
        400,
        "ERR_MALFORMED_REQUEST",
        message,
      );
      const rpc = "type.googleapis.com/google.rpc";
      expect(details).toMatchObject([
        {
          "@type": `${rpc}.BadRequest`,
          field_violations: [{ field: key, description: message }],
        },
        {
          "@type": `${rpc}.ResourceInfo`,
          resource_type: "state",
          resource_name: "statestore",
        },
        {
          "@type": `${rpc}.ErrorInfo`,
          reason: "DAPR_STATE_ILLEGAL_KEY",
          domain: "dapr.io",
        },
      ]);
    }
  });

  test("an unknown store is an error before the body is read", async () => {
    for (const [method, route] of [
      ["GET", "/k"],
      ["DELETE", "/k"],
      ["POST", ""],
      ["POST", "/bulk"],
      ["POST", "/transaction"],
    ] as const) {
      const { details } = await refused(
        ask(
          method,
          `/v1.0/state/nostore${route}`,
          method === "POST" ? "{" : undefined,
        ),
        400,
        "ERR_STATE_STORE_NOT_FOUND",
        "state store nostore is not found",
      );
      expect(details).toEqual([
        expect.objectContaining({
          reason: "DAPR_STATE_NOT_FOUND",
          metadata: { appID: "nodeapp" },
        }),
      ]);
    }
  });

  test.each(["POST", "PUT"])(
    "%s query gets an error, since these stores support no queries",
    async (method) => {
      const { details } = await refused(
        ask(method, "/v1.0-alpha1/state/statestore/query", "{}"),
        500,
        "ERR_STATE_STORE_NOT_SUPPORTED",
        "state store does not support querying",
      );
      expect(details).toContainEqual(
        expect.objectContaining({
          reason: "DAPR_STATE_QUERYING_NOT_SUPPORTED",
        }),
      );
    },
  );

  test("another method, or a path without a key, goes to service invocation", async () => {
    for (const [method, at] of [
      ["PATCH", `${path}/k`],
      ["GET", path],
      ["GET", `${path}/`],
      ["GET", "/v1.0-alpha1/state/statestore/query"],
    ] as const)
      await refused(
        ask(method, at),
        404,
        "ERR_DIRECT_INVOKE",
        expect.stringContaining(" is not in this API"),
      );
  });

  test("a body over the limit is refused", async () => {
    const big = "x".repeat(4 * 1024 * 1024);
    await refused(
      save(items({ key: "k", value: big })),
      400,
      "ERR_MALFORMED_REQUEST",
      "stream too large",
    );
    for (const route of ["bulk", "transaction"])
      await refused(
        ask("POST", `${path}/${route}`, JSON.stringify({ keys: [big] })),
        400,
        "ERR_MALFORMED_REQUEST",
        "failed deserializing HTTP body: stream too large",
      );
    const fits = "y".repeat(4 * 1024 * 1024 - 100);
    expect(await save(items({ key: "fits", value: fits }))).toMatchObject(
      empty,
    );
    expect((await get("fits")).text).toBe(`"${fits}"`);
  });

  test("capabilities are listed", async () => {
    const { components } = (
      await sidecar.call("GET", "/v1.0/metadata")
    ).json() as {
      components: unknown[];
    };
    expect(components).toEqual([
      {
        name: "statestore",
        type,
        version: "v1",
        capabilities: [
          "ETAG",
          "TRANSACTIONAL",
          "TTL",
          ...(type === "state.in-memory" ? ["DELETE_WITH_PREFIX"] : []),
          "KEYS_LIKE",
          "ACTOR",
        ],
      },
    ]);
  });
});

test("without any store the error says so", async () => {
  const sidecar = await startDaprd();
  const reply = await sidecar.call("GET", `${path}/k`);
  expect(reply.status).toBe(500);
  expect(reply.json()).toMatchObject({
    errorCode: "ERR_STATE_STORE_NOT_CONFIGURED",
    message: "state store statestore is not configured",
    details: [{ reason: "DAPR_STATE_NOT_CONFIGURED" }],
  });
});

test("with a raised limit a value of 8 MiB can be saved", async () => {
  const sidecar = await startDaprd({
    args: ["--max-body-size=16Mi"],
    resources: {
      "s.yaml": stateStore("state.sqlite", {
        connectionString: join(tempFolder("api-state"), "s.db"),
      }),
    },
  });
  const value = "z".repeat(8 << 20);
  const saved = await sidecar.call("POST", path, {
    body: items({ key: "big", value }),
  });
  expect(saved.status).toBe(204);
  expect((await sidecar.call("GET", `${path}/big`)).text).toBe(`"${value}"`);
});

test("100,000 keys are kept apart", async () => {
  const connectionString = join(tempFolder("api-state"), "state.db");
  const sidecar = await startDaprd({
    resources: { "s.yaml": stateStore("state.sqlite", { connectionString }) },
  });
  const agent = new Agent({ keepAlive: true });
  for (let from = 0; from < 100_000; from += 1000) {
    const all = Array.from({ length: 1000 }, (_, i) => ({
      key: `k${from + i}`,
      value: from + i,
    }));
    const { status } = await sidecar.call("POST", path, {
      agent,
      body: items(...all),
    });
    expect(status).toBe(204);
  }
  const keys = [0, 1, 999, 1000, 54_321, 99_999];
  const found = await sidecar.call("POST", `${path}/bulk`, {
    agent,
    body: JSON.stringify({ keys: keys.map((n) => `k${n}`) }),
  });
  expect((found.json() as { data: number }[]).map(({ data }) => data)).toEqual(
    keys,
  );
  expect((await sidecar.call("GET", `${path}/k100000`)).status).toBe(204);
  agent.destroy();
});

test("values outlive the sidecar, and two sidecars can share a file", async () => {
  const connectionString = join(
    tempFolder("api-state"),
    "deep",
    "er",
    "state.db",
  );
  const resources = {
    "s.yaml": stateStore("state.sqlite3", {
      connectionString,
      keyPrefix: "none",
    }),
  };
  const first = await startDaprd({ appId: "one", resources });
  await first.call("POST", path, { body: items({ key: "order", value: 42 }) });
  const second = await startDaprd({ appId: "two", resources });
  expect((await second.call("GET", `${path}/order`)).text).toBe("42");
  expect(await first.stop()).toEqual({ code: 0, signal: null });
  await second.call("POST", path, { body: items({ key: "order", value: 43 }) });
  await second.stop();
  const again = await startDaprd({ appId: "one", resources });
  expect((await again.call("GET", `${path}/order`)).text).toBe("43");
});

test.each([
  [
    "an impossible folder",
    { connectionString: "/proc/none/state.db" },
    /: .*\/proc\/none.*/,
  ],
  ["no connection string", {}, /: missing connection string/],
  [
    "a prefix with ||",
    { connectionString: ":memory:", keyPrefix: "a||b" },
    /: metadata 'keyPrefix': input key\/keyPrefix 'a\|\|b' can't contain '\|\|'/,
  ],
  [
    "encryption",
    { connectionString: ":memory:", primaryEncryptionKey: "00ff" },
    /: metadata 'primaryEncryptionKey': .*has not got encrypted state.*/,
  ],
  [
    "no table's name",
    { connectionString: "host=localhost", tableName: "a b" },
    /: metadata 'tableName': it makes no name of a table; .*/,
    "state.postgresql",
  ],
])(
  "%s ends the start, and the error names component and place",
  async (...row) => {
    const [, metadata, message, type = "state.sqlite"] = row;
    const sidecar = await startDaprd({
      until: "nothing",
      resources: {
        "s.yaml": stateStore(type, metadata as Record<string, string>),
      },
    });
    expect((await sidecar.exited).code).toBe(1);
    const frame = `process component statestore error: [INIT_COMPONENT_FAILURE]: initialization error occurred for statestore (${type}/v1)`;
    const [before, after] = sidecar.messages().at(-1)!.split(frame);
    expect(before).toBe(
      "Fatal error from runtime: failed to load components: ",
    );
    expect(after).toMatch(
      new RegExp(`^${message.source} \\(\\S*s\\.yaml:\\d+:\\d+\\)$`),
    );
  },
);
