/** The set-up of the state contract's cases: stores on fresh data, which are closed after each test. */
import { stateStores } from "../../runtime/components/index.ts";
import type {
  SetState,
  StateEntry,
  StateOperation,
  StateStore,
  StateValue,
} from "../../runtime/contracts/state-store.ts";
import { waitFor } from "../wait-for.ts";
import { openBuiltIn } from "./open-component.ts";

export interface StateSetup {
  /** Metadata of a component with data of its own. Two such components see the same data. */
  metadata: Record<string, string>;
  /** Metadata that `open` refuses, and the error. */
  bad?: {
    metadata: { [name: string]: string | undefined };
    error: string | RegExp;
  }[];
  dispose?(): Promise<void>;
}

/** How a family of stores differs from the others. */
export interface StateFamily {
  /** The component's default version unless given. */
  version?: string;
  /** What a set with an etag does to a missing key. */
  etagOnMissing: "mismatch" | "stores";
  /** What a delete with an etag does to a missing key. */
  deleteEtagOnMissing: "mismatch" | "passes";
  /** How an etag that this store can never have given is refused. */
  foreignEtag: "mismatch" | "invalid";
  /** The most bytes of a key; any length fits unless given. */
  maxKeyBytes?: number;
  /** A first-write without an etag to an existing key is refused, or passes and guards the key. */
  firstWriteOnExisting: "mismatch" | "guards";
  /** Whether last-write ignores the etag. */
  lastWriteIgnoresEtag: boolean;
  /** Whether a set without a TTL ends an earlier one's TTL. */
  setEndsTtl: boolean;
  /** Whether get returns `ttlExpireTime`. */
  tellsExpiry: boolean;
  /** Whether a transaction that fails changes nothing. */
  rollsBack: boolean;
  /** Whether data is still there when the store is opened again. */
  persists: boolean;
}

export type StateHarness = ReturnType<typeof makeStateHarness>;

/** The entry's text; undefined without an entry. */
export const textOf = (entry: StateEntry | undefined): string | undefined =>
  entry &&
  (typeof entry.data === "string"
    ? entry.data
    : Buffer.from(entry.data).toString("utf8"));

export const upsert = (
  key: string,
  value: StateValue,
  more: Partial<SetState> = {},
): StateOperation => ({
  operation: "upsert",
  request: { key, value, metadata: {}, ...more },
});

export const erase = (key: string, etag?: string): StateOperation => ({
  operation: "delete",
  request: { key, metadata: {}, ...(etag === undefined ? {} : { etag }) },
});

export function makeStateHarness(
  type: string,
  makeSetup: () => Promise<StateSetup>,
  family: StateFamily,
) {
  let setup: StateSetup;
  let opened: StateStore[] = [];
  let store: StateStore;

  const open = async (
    metadata: { [name: string]: string | undefined } = {},
  ) => {
    const one = await openBuiltIn(stateStores, type, {
      metadata: { ...setup.metadata, ...(metadata as Record<string, string>) },
      ...(family.version ? { version: family.version } : {}),
    });
    opened.push(one);
    return one;
  };

  beforeEach(async () => {
    setup = await makeSetup();
    store = await open();
  });
  afterEach(async () => {
    for (const one of opened) await one.close();
    opened = [];
    await setup.dispose?.();
  });

  const set = (
    key: string,
    value: StateValue,
    more: Partial<SetState> = {},
    on = store,
  ) => on.set({ key, value, metadata: {}, ...more });
  const get = (key: string, on = store) => on.get({ key, metadata: {} });

  return {
    type,
    family,
    open,
    set,
    get,
    setup: () => setup,
    store: () => store,
    erase: (key: string, etag?: string) =>
      store.delete({
        key,
        metadata: {},
        ...(etag === undefined ? {} : { etag }),
      }),
    /** The parsed value; undefined when there is none. */
    async read(key: string, on = store): Promise<unknown> {
      const text = textOf(await get(key, on));
      return text === undefined ? undefined : JSON.parse(text);
    },
    /** The etag of a key that must exist. */
    async etag(key: string): Promise<string> {
      const etag = (await get(key))?.etag;
      expect(etag).toEqual(expect.stringMatching(/./));
      return etag!;
    },
    until: (what: string, condition: () => unknown) => waitFor(what, condition),
    /** A test of the contract. */
    check: (name: string, run: () => Promise<void>) => test(name, run),
  };
}
