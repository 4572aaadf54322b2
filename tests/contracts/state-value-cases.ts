/** Values, keys, TTL, bulk calls, restart and close. */
import { randomBytes } from "node:crypto";
import { textOf, upsert, type StateHarness } from "./state-harness.ts";

/** Keys that a query language or a shell could misread. */
const oddKeys = [
  "app||plain",
  "app||it's; DROP TABLE state;--",
  'app||"quoted" `and` \\back\\slashed',
  "app||% _ * ? [a-z] {b}",
  "app||$1 $$ ${x} #{y} %s ?1 :a @b",
  "app||'); return redis.call('flushall') --",
  "app||redis.call",
  "app||漢字 é 😀 \u200d",
  "app||tab\tand\nnew line\r",
  "app||__proto__",
  "__proto__",
  "app||constructor",
  "app||" + "long".repeat(200),
  "app|| leading and trailing ",
  "app||UPPER",
  "app||upper",
];

export function stateValueCases(harness: StateHarness): void {
  const { check, set, get, read, family } = harness;

  check("a missing key is undefined, not an error", async () => {
    expect(await get("app||nothing")).toBeUndefined();
  });

  check("a value is read as it was stored, and can be replaced", async () => {
    await set("app||order", '{"orderId":"42","items":[1,2.5,null,true]}');
    expect(await read("app||order")).toEqual({
      orderId: "42",
      items: [1, 2.5, null, true],
    });
    await set("app||order", '"text"');
    expect(textOf(await get("app||order"))).toBe('"text"');
  });

  check("every JSON value comes back", async () => {
    const values = [
      "null",
      "false",
      "0",
      '""',
      "[]",
      "{}",
      '"\\u003cb\\u003e & é 漢 😀 \\" \\\\ \\n"',
      '{"__proto__":{"admin":true},"constructor":1}',
    ];
    for (const value of values) {
      await set("app||value", value);
      expect(await read("app||value")).toEqual(JSON.parse(value));
    }
  });

  check("numbers come back digit for digit", async () => {
    await set("app||digits", '{"id":9007199254740993,"price":10.00}');
    // jsonb adds spaces.
    expect(textOf(await get("app||digits"))?.replaceAll(" ", "")).toBe(
      '{"id":9007199254740993,"price":10.00}',
    );
  });

  check("bytes come back as bytes, whatever they are", async () => {
    const bytes = Uint8Array.from({ length: 512 }, (_, i) => i % 256);
    await set("app||bytes", bytes);
    const { data } = (await get("app||bytes"))!;
    expect(Buffer.from(data as Uint8Array).equals(bytes)).toBe(true);
    await set("app||bytes", new Uint8Array());
    expect(textOf(await get("app||bytes"))).toBe("");
  });

  check("odd keys are only keys", async () => {
    for (const [i, key] of oddKeys.entries()) await set(key, `${i}`);
    for (const [i, key] of oddKeys.entries())
      expect([key, await read(key)]).toEqual([key, i]);
    await harness.erase("app||% _ * ? [a-z] {b}");
    await harness.erase("app||upper");
    const gone = ["app||% _ * ? [a-z] {b}", "app||upper"];
    for (const [i, key] of oddKeys.entries())
      expect([key, await read(key)]).toEqual([
        key,
        gone.includes(key) ? undefined : i,
      ]);
  });

  check("a very long key is stored, or refused as a key", async () => {
    // Random, so that no server makes it short.
    const key = `app||${randomBytes(9000).toString("base64url")}`;
    const store = harness.store();
    if (key.length <= (family.maxKeyBytes ?? Infinity)) {
      await set(key, "1");
      expect(await read(key)).toBe(1);
      return;
    }
    const refused = expect.objectContaining({
      name: "UnfitError",
      part: "key",
      key,
    });
    await expect(set(key, "1")).rejects.toEqual(refused);
    const item = { value: "1", metadata: {} };
    const all = [
      { ...item, key: "app||a" },
      { ...item, key },
      { ...item, key: "app||b" },
    ];
    const bulk = await store.bulkSet?.(all);
    if (bulk) expect(bulk).toEqual([undefined, refused, undefined]);
    for (const operations of [
      [upsert(key, "1")],
      [upsert("app||c", "1"), upsert(key, "1")],
    ])
      await expect(store.transact!(operations, {})).rejects.toEqual(refused);
    expect(await get("app||c")).toBeUndefined();
    // No such key can be there.
    expect(await get(key)).toBeUndefined();
    await harness.erase(key);
  });

  check("odd values are only values", async () => {
    for (const text of oddKeys) {
      await set("app||odd", JSON.stringify(text));
      expect(await read("app||odd")).toBe(text);
    }
  });

  check("a value of 8 MiB comes back", async () => {
    const text = JSON.stringify("x".repeat(8 << 20));
    await set("app||big", text);
    expect(textOf(await get("app||big"))?.length).toBe(text.length);
  });

  check(
    "a deleted key is gone, and deleting a missing key is no error",
    async () => {
      await set("app||order", "1");
      await harness.erase("app||order");
      expect(await get("app||order")).toBeUndefined();
      await harness.erase("app||order");
    },
  );

  check("10,000 keys are kept apart", async () => {
    const count = 10_000;
    for (let from = 0; from < count; from += 500)
      await Promise.all(
        Array.from({ length: 500 }, (_, i) =>
          set(`app||${from + i}`, `${from + i}`),
        ),
      );
    for (const n of [0, 1, 499, 500, 4711, 9999])
      expect(await read(`app||${n}`)).toBe(n);
    expect(await get(`app||${count}`)).toBeUndefined();
  });

  check("a value is gone after its TTL", async () => {
    const from = Date.now();
    await set("app||long", "1", { metadata: { ttlInSeconds: "1000" } });
    const to = Date.now();
    const found = await get("app||long");
    expect(textOf(found)).toBe("1");
    if (family.tellsExpiry) {
      const text = found!.metadata!["ttlExpireTime"]!;
      expect(text).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
      // Stores keep whole seconds, and may use another machine's clock.
      expect(Date.parse(text)).toBeGreaterThan(from + 1_000_000 - 2000);
      expect(Date.parse(text)).toBeLessThan(to + 1_000_000 + 2000);
    } else expect(found?.metadata?.["ttlExpireTime"]).toBeUndefined();
    const before = Date.now();
    await set("app||short", "1", { metadata: { ttlInSeconds: "2" } });
    await harness.until(
      "its end",
      async () => (await get("app||short")) === undefined,
    );
    expect(Date.now() - before).toBeGreaterThan(900);
  });

  check("an expired key can be set by a first-write", async () => {
    await set("app||short", "1", { metadata: { ttlInSeconds: "1" } });
    await harness.until(
      "its end",
      async () => (await get("app||short")) === undefined,
    );
    await set("app||short", "2", { options: { concurrency: "first-write" } });
    expect(await read("app||short")).toBe(2);
  });

  check(
    "a set without a TTL after one with a TTL is treated as the family does",
    async () => {
      await set("app||kept", "1", { metadata: { ttlInSeconds: "1" } });
      await set("app||kept", "2");
      await set("app||marker", "1", { metadata: { ttlInSeconds: "2" } });
      await harness.until(
        "the later one's end",
        async () => (await get("app||marker")) === undefined,
      );
      expect(await read("app||kept")).toBe(family.setEndsTtl ? 2 : undefined);
    },
  );

  check("a TTL of -1 ends an earlier one", async () => {
    await set("app||kept", "1", { metadata: { ttlInSeconds: "1" } });
    await set("app||kept", "2", { metadata: { ttlInSeconds: "-1" } });
    await set("app||marker", "1", { metadata: { ttlInSeconds: "2" } });
    await harness.until(
      "the later one's end",
      async () => (await get("app||marker")) === undefined,
    );
    expect(await read("app||kept")).toBe(2);
  });

  check("an invalid TTL is refused, and nothing is stored", async () => {
    for (const ttlInSeconds of ["soon", "1.5", "1e3"])
      await expect(
        set("app||bad", "1", { metadata: { ttlInSeconds } }),
      ).rejects.toThrow(/ttlInSeconds/);
    expect(await get("app||bad")).toBeUndefined();
  });

  check("bulk calls answer in order, one result per request", async () => {
    const store = harness.store();
    await set("app||a", '"A"');
    await set("app||c", '"C"');
    const keys = ["app||c", "app||b", "app||a", "app||c"];
    const found = await store.bulkGet?.(
      keys.map((key) => ({ key, metadata: {} })),
    );
    if (found) {
      expect(
        found.map((one) => {
          if (one instanceof Error) throw one;
          return textOf(one);
        }),
      ).toEqual(['"C"', undefined, '"A"', '"C"']);
      expect(await store.bulkGet!([])).toEqual([]);
    }
    const set2 = await store.bulkSet?.([
      { key: "app||a", value: "1", metadata: {} },
      { key: "app||b", value: "2", metadata: { ttlInSeconds: "never" } },
      { key: "app||d", value: "3", metadata: {} },
    ]);
    if (set2) {
      expect(set2).toEqual([undefined, expect.any(Error), undefined]);
      expect(await read("app||a")).toBe(1);
      expect(await get("app||b")).toBeUndefined();
      expect(await read("app||d")).toBe(3);
    }
    const erased = await store.bulkDelete?.([
      { key: "app||a", metadata: {} },
      { key: "app||zzz", metadata: {} },
    ]);
    if (erased) {
      expect(erased).toEqual([undefined, undefined]);
      expect(await get("app||a")).toBeUndefined();
    }
  });

  check("after a restart values and etags are still there", async () => {
    await set("app||order", '{"orderId":"42"}');
    const etag = await harness.etag("app||order");
    await harness.store().close();
    const again = await harness.open();
    if (!family.persists)
      return expect(await get("app||order", again)).toBeUndefined();
    expect(await read("app||order", again)).toEqual({ orderId: "42" });
    expect((await get("app||order", again))!.etag).toBe(etag);
    await set("app||order", "2", { etag }, again);
    expect(await read("app||order", again)).toBe(2);
  });

  check(
    "close waits for what is under way, and may be called twice",
    async () => {
      const store = harness.store();
      const saving = Promise.all(
        Array.from({ length: 50 }, (_, i) => set(`app||${i}`, `${i}`)),
      );
      await Promise.all([store.close(), saving]);
      await store.close();
      if (!family.persists) return;
      const again = await harness.open();
      for (let i = 0; i < 50; i++)
        expect(await read(`app||${i}`, again)).toBe(i);
    },
  );

  check("wrong metadata is refused with an error that names it", async () => {
    for (const { metadata, error } of harness.setup().bad ?? [])
      await expect(harness.open(metadata)).rejects.toThrow(error);
  });
}
