/**
 * All components of a sidecar: opened in the order their secrets need (spec
 * components §6), and kept as their resources are when these change.
 */
import { ComponentSlot } from "./component-slot.ts";
import { messageOf } from "../shared/message-of.ts";
import type { Loaded, LoadOptions } from "./open-loaded.ts";
import { label, type LoadedComponent } from "../resources/kinds/component.ts";

export interface ComponentSetOptions extends LoadOptions {
  /**
   * What can't be opened is reported and tried again, and does not keep the
   * others from working; else it ends the start, unless its `ignoreErrors` is set.
   */
  isPatient: boolean;
}

export type ComponentSet = ReturnType<typeof createComponentSet>;

export function createComponentSet(options: ComponentSetOptions) {
  const { log } = options;
  const slots = new Map<string, { slot: ComponentSlot; content: string }>();
  const absence = (name: string) => slots.get(name)?.slot.absence;
  const laneOptions = {
    ...options,
    absence,
    onOpened() {
      for (const { slot } of slots.values()) if (slot.isParked) slot.wake();
    },
    onClosed() {
      // What it stood in the way of may open now.
      for (const { slot } of slots.values()) slot.wake();
    },
  };

  /** The slot of a component that is new or another than before. */
  function changed(resource: LoadedComponent): ComponentSlot | undefined {
    const content = contentOf(resource);
    let entry = slots.get(resource.name);
    if (entry?.content === content && entry.slot.wanted) return undefined;
    if (!entry) {
      entry = { slot: new ComponentSlot(laneOptions), content };
      slots.set(resource.name, entry);
    }
    entry.content = content;
    entry.slot.want(resource);
    return entry.slot;
  }

  async function strictly(slot: ComponentSlot): Promise<void> {
    try {
      await slot.attempt();
    } catch (error) {
      if (!slot.wanted!.ignoreErrors)
        throw new Error(`failed to load components: ${messageOf(error)}`, {
          cause: error,
        });
      log.error(`Ignoring error processing component: ${messageOf(error)}`);
    }
  }

  return {
    /** Opens the first ones, one after the other; each is tried once before this resolves. */
    async load(
      resources: readonly LoadedComponent[],
      signal?: AbortSignal,
    ): Promise<void> {
      for (const resource of inOrder(resources)) {
        signal?.throwIfAborted();
        const slot = changed(resource)!;
        await (options.isPatient ? slot.follow() : strictly(slot));
      }
    },

    /** From now on these are all: opens what is new or different, closes what is gone. Needs `isPatient`. */
    replace(resources: readonly LoadedComponent[]): void {
      const names = new Set(resources.map(({ name }) => name));
      for (const [name, { slot }] of slots) {
        if (names.has(name)) continue;
        if (slot.isGone) slots.delete(name);
        else {
          slot.want(undefined);
          void slot.follow();
        }
      }
      for (const resource of inOrder(resources))
        void changed(resource)?.follow();
    },

    /** Those in use. */
    loaded(): Loaded[] {
      const open = [...slots.values()].map(({ slot }) => slot.loaded);
      return open.filter((loaded) => loaded !== undefined);
    },

    /** Why the component of that name is not here, though its type is the original's; undefined for all others. */
    absence,

    /** Those left out as their type is not in this version, as `name (type/version)`. */
    absent(): string[] {
      return [...slots.values()]
        .filter(({ slot }) => slot.absence !== undefined)
        .map(({ slot }) => label(slot.wanted!));
    },

    /** Names of those that should be in use and could not be opened. */
    failing(): string[] {
      return [...slots]
        .filter(([, { slot }]) => slot.isFailing)
        .map(([name]) => name);
    },

    /** Closes all, last opened first. Rejects when one could not be closed, once all have been tried. */
    async close(): Promise<void> {
      await Promise.all([...slots.values()].map(({ slot }) => slot.stop()));
      await using closing = new AsyncDisposableStack();
      for (const { component, resource, explain } of this.loaded())
        closing.defer(async () => {
          log.info(`Shutting down component ${label(resource)}`);
          try {
            await component.close();
          } catch (error) {
            throw new Error(explain(error), { cause: error });
          }
        });
    },
  };
}

const isSecretStore = ({ type }: LoadedComponent) =>
  type.startsWith("secretstores.");

/** Secret stores first, each after the one that it asks itself; all else as it stands. */
function inOrder(resources: readonly LoadedComponent[]): LoadedComponent[] {
  let waiting = resources.filter(isSecretStore);
  const stores: LoadedComponent[] = [];
  for (let next = waiting; next.length > 0;) {
    next = waiting.filter(
      ({ secretRefs, secretStore }) =>
        secretRefs.length === 0 ||
        !waiting.some(({ name }) => name === secretStore),
    );
    waiting = waiting.filter((store) => !next.includes(store));
    stores.push(...next);
  }
  const rest = resources.filter((resource) => !isSecretStore(resource));
  return [...stores, ...waiting, ...rest];
}

/** What makes one another; where it is written does not. Taken before it is opened, which fills in secrets. */
const contentOf = (resource: LoadedComponent): string =>
  JSON.stringify(resource, (key, value: unknown) =>
    key === "at" || key === "nameAt" ? undefined : value,
  );
