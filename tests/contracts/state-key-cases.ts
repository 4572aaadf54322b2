/** Listing keys, for who looks at a store. */
import type { StateHarness } from "./state-harness.ts";

export function stateKeyCases(harness: StateHarness): void {
  const { check, set } = harness;

  /** All pages; each key once. */
  async function list(prefix: string, limit: number) {
    const found: string[] = [];
    let pages = 0;
    let after: string | undefined;
    do {
      const page = await harness.store().keys!(prefix, after, limit);
      found.push(...page.keys);
      after = page.next ?? undefined;
      expect(++pages).toBeLessThan(2000);
    } while (after !== undefined);
    return { keys: [...new Set(found)].toSorted(), pages };
  }

  check("all keys of a prefix are listed, page by page", async () => {
    const names = Array.from({ length: 257 }, (_, i) => `app||${i}`);
    for (const name of names) await set(name, "1");
    const { keys, pages } = await list("app||", 10);
    expect(keys).toEqual(names.toSorted());
    expect(pages).toBeGreaterThan(1);
    expect((await list("app||", 1000)).keys).toEqual(names.toSorted());
  });

  check(
    "keys of others, of deeper levels and lookalikes are left out",
    async () => {
      const others = [
        "app2||a",
        "ap||a",
        "APP||a",
        "app|a",
        "app||Type||id||a",
        "xapp||a",
        "plain",
      ];
      for (const key of [...others, "app||mine"]) await set(key, "1");
      expect((await list("app||", 2)).keys).toEqual(["app||mine"]);
      expect((await list("", 2)).keys).toEqual(["app|a", "plain"]);
      expect((await list("nobody||", 2)).keys).toEqual([]);
    },
  );

  check("odd keys and odd prefixes are only texts", async () => {
    const names = ["%_*?", "[a-z]", "é漢😀", "it's", 'a"b', "\\", "tab\t"];
    for (const prefix of ["a*p||", "%||", "[x]||", "\\||", "'||", "é||"]) {
      for (const name of names) await set(prefix + name, "1");
      expect((await list(prefix, 3)).keys).toEqual(
        names.map((name) => prefix + name).toSorted(),
      );
    }
    expect((await list("axp||", 3)).keys).toEqual([]);
  });

  check("what is deleted or expired is not listed", async () => {
    await set("app||gone", "1");
    await set("app||short", "1", { metadata: { ttlInSeconds: "1" } });
    await set("app||stays", "1");
    await harness.erase("app||gone");
    await harness.until(
      "its end",
      async () => (await harness.get("app||short")) === undefined,
    );
    expect((await list("app||", 5)).keys).toEqual(["app||stays"]);
  });
}
