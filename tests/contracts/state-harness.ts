/** What the cases of the state contract share: stores on fresh data that are closed after each test. */
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
  /** A component on data that nobody else has: two of it see the same. */
  metadata: Record<string, string>;
  /** Metadata that `open` refuses, and what it says. */
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
  /** A set with an etag, of a key that is not there. */
  etagOnMissing: "mismatch" | "stores";
  /** A delete with an etag, of a key that is not there. */
  deleteEtagOnMissing: "mismatch" | "passes";
  /** What an etag is said to be that this store could never have given. */
  foreignEtag: "mismatch" | "invalid";
  /** first-write without an etag, of a key that is there: refused, or it passes and guards the key. */
  firstWriteOnExisting: "mismatch" | "guards";
  /** last-write does not look at an etag. */
  lastWriteIgnoresEtag: boolean;
  /** A set without TTL ends the TTL that an earlier one gave. */
  setEndsTtl: boolean;
  /** get says `ttlExpireTime`. */
  tellsExpiry: boolean;
  /** A transaction that fails leaves everything as it was. */
  rollsBack: boolean;
  /** What was stored is there when the store is opened again. */
  persists: boolean;
}

export type StateHarness = ReturnType<typeof makeStateHarness>;

/** Text of what was found; undefined when nothing was. */
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
    /** Parsed value; undefined when there is none. */
    async read(key: string, on = store): Promise<unknown> {
      const text = textOf(await get(key, on));
      return text === undefined ? undefined : JSON.parse(text);
    },
    /** The etag of a key that must be there. */
    async etag(key: string): Promise<string> {
      const etag = (await get(key))?.etag;
      expect(etag).toEqual(expect.stringMatching(/./));
      return etag!;
    },
    until: (what: string, condition: () => unknown) => waitFor(what, condition),
    /** A test with time for all its waits. */
    check: (name: string, run: () => Promise<void>) => test(name, run),
  };
}
