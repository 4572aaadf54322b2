/** Transactions: several operations are done in order, all or none. */
import { erase, upsert, type StateHarness } from "./state-harness.ts";

export function stateTransactionCases(harness: StateHarness): void {
  const { check, set, get, read, etag, family } = harness;
  const transact = (...operations: ReturnType<typeof upsert>[]) =>
    harness.store().transact!(operations, {});

  check("a transaction stores and deletes", async () => {
    expect(harness.store().features).toContain("TRANSACTIONAL");
    await set("app||old", "1");
    await transact(
      upsert("app||a", '{"n":1}'),
      erase("app||old"),
      upsert("app||b", "2"),
      erase("app||never-there"),
    );
    expect(await read("app||a")).toEqual({ n: 1 });
    expect(await read("app||b")).toBe(2);
    expect(await get("app||old")).toBeUndefined();
    await transact();
  });

  check("of several operations on one key, the last counts", async () => {
    await transact(upsert("app||a", "1"), upsert("app||a", "2"));
    expect(await read("app||a")).toBe(2);
    await transact(upsert("app||a", "3"), erase("app||a"));
    expect(await get("app||a")).toBeUndefined();
  });

  check("a transaction with the right etags passes", async () => {
    await set("app||a", "1");
    await set("app||b", "1");
    await transact(
      upsert("app||a", "2", { etag: await etag("app||a") }),
      erase("app||b", await etag("app||b")),
    );
    expect(await read("app||a")).toBe(2);
    expect(await get("app||b")).toBeUndefined();
  });

  check("a transaction with an old etag fails", async () => {
    await set("app||a", "1");
    await set("app||b", "1");
    const old = await etag("app||b");
    await set("app||b", "2");
    await expect(
      transact(
        upsert("app||a", "9"),
        upsert("app||b", "9", { etag: old }),
        upsert("app||c", "9"),
      ),
    ).rejects.toThrow(/etag/);
    expect(await read("app||b")).toBe(2);
    if (!family.rollsBack) return;
    expect(await read("app||a")).toBe(1);
    expect(await get("app||c")).toBeUndefined();
  });

  check("a transaction of one operation with an old etag fails", async () => {
    await set("app||a", "1");
    const old = await etag("app||a");
    await set("app||a", "2");
    await expect(
      transact(upsert("app||a", "9", { etag: old })),
    ).rejects.toThrow(/etag/);
    await expect(transact(erase("app||a", old))).rejects.toThrow(/etag/);
    expect(await read("app||a")).toBe(2);
  });

  check(
    "a transaction with an invalid TTL fails before anything is stored",
    async () => {
      await expect(
        transact(
          upsert("app||a", "1"),
          upsert("app||b", "1", { metadata: { ttlInSeconds: "later" } }),
        ),
      ).rejects.toThrow(/ttlInSeconds/);
      expect(await get("app||a")).toBeUndefined();
    },
  );

  check("a TTL works in a transaction too", async () => {
    await transact(
      upsert("app||short", "1", { metadata: { ttlInSeconds: "1" } }),
      upsert("app||long", "1", { metadata: { ttlInSeconds: "1000" } }),
    );
    await harness.until(
      "its end",
      async () => (await get("app||short")) === undefined,
    );
    expect(await read("app||long")).toBe(1);
  });

  check("transactions at the same time do not mix", async () => {
    await Promise.all(
      Array.from({ length: 20 }, (_, i) =>
        transact(upsert("app||x", `${i}`), upsert("app||y", `${i}`)),
      ),
    );
    expect(await read("app||x")).toBe(await read("app||y"));
  });
}
