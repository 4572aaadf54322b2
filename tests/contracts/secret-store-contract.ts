/** The contract of every secret store. A store's test adds only how its secrets are created. */
import { secretStores } from "../../runtime/components/index.ts";
import type { SecretStore } from "../../runtime/contracts/secret-store.ts";
import { openBuiltIn } from "./open-component.ts";

export interface SecretStoreSetup {
  metadata: Record<string, string>;
  env?: Record<string, string>;
  /** Sent with each request. */
  request?: Record<string, string>;
  /** The names of two secrets with one value each. */
  names: [string, string];
  dispose?(): Promise<void>;
}

export const values = ["first-value", 'second "välue"\n'] as const;

export function secretStoreContract(
  type: string,
  makeSetup: () => Promise<SecretStoreSetup>,
  options: { unknownIsEmpty?: boolean; keyOf?: (name: string) => string } = {},
): void {
  const keyOf = options.keyOf ?? ((name) => name);
  describe(`${type} keeps the contract of a secret store:`, () => {
    let setup: SecretStoreSetup;
    let store: SecretStore;
    let log: string[];
    beforeEach(async () => {
      setup = await makeSetup();
      log = [];
      store = await openBuiltIn(secretStores, type, { ...setup, log });
    });
    afterEach(async () => {
      await store.close();
      await setup.dispose?.();
    });
    const get = (name: string) => store.get(name, setup.request ?? {});

    test("a secret is a map of keys to values", async () => {
      for (const [i, name] of setup.names.entries())
        expect(await get(name)).toEqual({ [keyOf(name)]: values[i] });
    });

    test("bulk has all secrets, each as get returns it", async () => {
      const all = await store.bulk(setup.request ?? {});
      expect(Object.keys(all!).toSorted()).toEqual(setup.names.toSorted());
      for (const name of setup.names)
        expect(all![name]).toEqual(await get(name));
    });

    test.each(["not-there", "constructor", "__proto__", "tostring", ""])(
      "an unknown name, %j, gives no secret",
      async (name) => {
        if (options.unknownIsEmpty)
          expect(Object.entries((await get(name))!)).toEqual([[name, ""]]);
        else
          await expect(get(name)).rejects.toThrow(
            name === "not-there" ? /not-there.* not found$/ : /./,
          );
      },
    );

    test("names are case-sensitive", async () => {
      const other =
        setup.names[0].toUpperCase() === setup.names[0]
          ? setup.names[0].toLowerCase()
          : setup.names[0].toUpperCase();
      const reply = await get(other).catch(() => undefined);
      expect(Object.values(reply ?? {}).join("")).toBe("");
    });

    test("no line of the log contains a value", async () => {
      await get(setup.names[0]);
      await get("not-there").catch(() => {});
      await store.bulk(setup.request ?? {});
      for (const value of values) expect(log.join("\n")).not.toContain(value);
    });

    test("close may be called twice", async () => {
      await store.close();
      await store.close();
    });
  });
}
