/** Etags, first-write and last-write (docs/protocol/state.md). */
import { EtagError } from "../../runtime/contracts/state-store.ts";
import {
  erase as eraseIf,
  upsert,
  type StateHarness,
} from "./state-harness.ts";

const mismatch = expect.objectContaining({
  name: "EtagError",
  kind: "mismatch",
  message: expect.stringContaining("possible etag mismatch"),
});

export function stateEtagCases(harness: StateHarness): void {
  const { check, set, get, read, etag, erase, family } = harness;

  check("every write gives a new etag", async () => {
    const seen = new Set<string>();
    for (let i = 0; i < 5; i++) {
      await set("app||order", `${i}`);
      seen.add(await etag("app||order"));
    }
    expect(seen.size).toBe(5);
  });

  check(
    "a set with the right etag passes, with an old one it does not",
    async () => {
      await set("app||order", "1");
      const first = await etag("app||order");
      await set("app||order", "2", { etag: first });
      await expect(set("app||order", "3", { etag: first })).rejects.toEqual(
        mismatch,
      );
      expect(await read("app||order")).toBe(2);
    },
  );

  check("an empty etag counts as no etag", async () => {
    await set("app||order", "1");
    await set("app||order", "2", { etag: "" });
    expect(await read("app||order")).toBe(2);
    await erase("app||order", "");
    expect(await get("app||order")).toBeUndefined();
  });

  check("an etag for a missing key is treated as the family does", async () => {
    await set("app||other", "1");
    const one = await etag("app||other");
    const setting = set("app||new", "1", { etag: one });
    if (family.etagOnMissing === "mismatch") {
      await expect(setting).rejects.toEqual(mismatch);
      expect(await get("app||new")).toBeUndefined();
    } else {
      await setting;
      expect(await read("app||new")).toBe(1);
    }
    const erasing = erase("app||none", one);
    if (family.deleteEtagOnMissing === "mismatch")
      await expect(erasing).rejects.toEqual(mismatch);
    else await erasing;
  });

  check("an etag that this store never gave is refused", async () => {
    await set("app||order", "1");
    for (const foreign of ["no such etag", "'; DELETE", "{}"]) {
      const refused = expect.objectContaining({
        name: "EtagError",
        kind: family.foreignEtag,
      });
      await expect(set("app||order", "2", { etag: foreign })).rejects.toEqual(
        refused,
      );
      await expect(erase("app||order", foreign)).rejects.toEqual(refused);
      const item = {
        key: "app||order",
        value: "2",
        metadata: {},
        etag: foreign,
      };
      const bulk = await harness.store().bulkSet?.([item]);
      if (bulk) expect(bulk).toEqual([refused]);
      for (const one of [
        upsert("app||order", "2", { etag: foreign }),
        eraseIf("app||order", foreign),
      ])
        await expect(harness.store().transact!([one], {})).rejects.toEqual(
          refused,
        );
    }
    expect(await read("app||order")).toBe(1);
  });

  check(
    "a transaction with an etag that this store never gave does nothing",
    async () => {
      for (const one of [
        upsert("app||order", "2", { etag: "no such etag" }),
        eraseIf("app||order", "no such etag"),
      ])
        await expect(
          harness.store().transact!([upsert("app||before", "1"), one], {}),
        ).rejects.toMatchObject({
          name: "EtagError",
          kind: family.foreignEtag,
        });
      expect(await get("app||before")).toBeUndefined();
    },
  );

  check("a delete with an etag needs the right one", async () => {
    await set("app||order", "1");
    const first = await etag("app||order");
    await set("app||order", "2");
    await expect(erase("app||order", first)).rejects.toEqual(mismatch);
    expect(await read("app||order")).toBe(2);
    await erase("app||order", await etag("app||order"));
    expect(await get("app||order")).toBeUndefined();
  });

  check("of first-writes without an etag, the first passes", async () => {
    const options = { concurrency: "first-write" } as const;
    await set("app||first", "1", { options });
    const second = set("app||first", "2", { options });
    await expect(second).rejects.toEqual(mismatch);
    expect(await read("app||first")).toBe(1);
    await set("app||first", "4", { options, etag: await etag("app||first") });
    expect(await read("app||first")).toBe(4);
  });

  check(
    "a first-write without an etag to an existing key is treated as the family does",
    async () => {
      await set("app||order", "1");
      const options = { concurrency: "first-write" } as const;
      const setting = set("app||order", "2", { options });
      if (family.firstWriteOnExisting === "guards") {
        await setting;
        expect(await read("app||order")).toBe(2);
        await expect(set("app||order", "3")).rejects.toEqual(mismatch);
        expect(await read("app||order")).toBe(2);
        return;
      }
      await expect(setting).rejects.toEqual(mismatch);
      expect(await read("app||order")).toBe(1);
    },
  );

  check(
    "a last-write with an old etag is treated as the family does",
    async () => {
      await set("app||order", "1");
      const old = await etag("app||order");
      await set("app||order", "2");
      const setting = set("app||order", "3", {
        etag: old,
        options: { concurrency: "last-write" },
      });
      if (family.lastWriteIgnoresEtag) await setting;
      else await expect(setting).rejects.toEqual(mismatch);
      expect(await read("app||order")).toBe(
        family.lastWriteIgnoresEtag ? 3 : 2,
      );

      // A transaction does the same as a save.
      const both = harness.store().transact!(
        [
          upsert("app||order", "4", {
            etag: old,
            options: { concurrency: "last-write" },
          }),
          upsert("app||beside", "4"),
        ],
        {},
      );
      if (family.lastWriteIgnoresEtag) await both;
      else await expect(both).rejects.toEqual(mismatch);
      expect(await read("app||order")).toBe(
        family.lastWriteIgnoresEtag ? 4 : 2,
      );
    },
  );

  check("of many writers with the same etag, one passes", async () => {
    await set("app||order", "0");
    const one = await etag("app||order");
    const results = await Promise.allSettled(
      Array.from({ length: 20 }, (_, i) =>
        set("app||order", `${i + 1}`, { etag: one }),
      ),
    );
    const passed = results.flatMap(({ status }, i) =>
      status === "fulfilled" ? [i + 1] : [],
    );
    expect(passed).toHaveLength(1);
    expect(await read("app||order")).toBe(passed[0]);
  });

  check("counting with etags loses nothing", async () => {
    await set("app||count", "0");
    const count = async () => {
      for (;;) {
        const found = (await get("app||count"))!;
        const next = Number(Buffer.from(found.data as string).toString()) + 1;
        try {
          return await set("app||count", `${next}`, { etag: found.etag! });
        } catch (error) {
          if (!(error instanceof EtagError)) throw error;
        }
      }
    };
    await Promise.all(Array.from({ length: 10 }, count));
    expect(await read("app||count")).toBe(10);
  });
}
