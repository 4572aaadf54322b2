/**
 * All components of a sidecar. They are opened in the order that their secrets
 * need (docs/protocol/resources.md), and follow their resources when these change.
 */
import { ComponentSlot } from "./component-slot.ts";
import { messageOf } from "../shared/message-of.ts";
import type { Loaded, LoadOptions } from "./open-loaded.ts";
import { label, type LoadedComponent } from "../resources/kinds/component.ts";

export interface ComponentSetOptions extends LoadOptions {
  /**
   * If true, a component that can't be opened is reported and tried again, while
   * the others work, as is one whose `ignoreErrors` is set. Else it ends the start.
   */
  isPatient: boolean;
  /** A component is open. */
  onOpened?(): void;
}

export type ComponentSet = ReturnType<typeof createComponentSet>;

export function createComponentSet(options: ComponentSetOptions) {
  const { log } = options;
  const slots = new Map<string, { slot: ComponentSlot; content: string }>();
  const absence = (name: string) => slots.get(name)?.slot.absence;
  const slotOptions = {
    ...options,
    absence,
    onOpened() {
      options.onOpened?.();
      for (const { slot } of slots.values()) if (slot.isParked) slot.wake();
    },
    onClosed() {
      // Components that could not open because of it may open now.
      for (const { slot } of slots.values()) slot.wake();
    },
  };

  /** The slot of a component that is new or has changed; undefined for any other. */
  function changed(resource: LoadedComponent): ComponentSlot | undefined {
    const content = contentOf(resource);
    let entry = slots.get(resource.name);
    if (entry?.content === content && entry.slot.wanted) return undefined;
    if (!entry) {
      entry = { slot: new ComponentSlot(slotOptions), content };
      slots.set(resource.name, entry);
    }
    entry.content = content;
    entry.slot.want(resource);
    return entry.slot;
  }

  async function strictly(slot: ComponentSlot): Promise<void> {
    try {
      await slot.attempt();
      // Its secret store may come later.
      if (slot.isParked) void slot.follow();
    } catch (error) {
      throw new Error(`failed to load components: ${messageOf(error)}`, {
        cause: error,
      });
    }
  }

  return {
    /** Opens the first components, one after the other; each is tried once before this resolves. */
    async load(
      resources: readonly LoadedComponent[],
      signal?: AbortSignal,
    ): Promise<void> {
      for (const resource of inOrder(resources)) {
        signal?.throwIfAborted();
        const slot = changed(resource)!;
        const mayFail = options.isPatient || resource.ignoreErrors;
        await (mayFail ? slot.follow() : strictly(slot));
      }
    },

    /** From now on these are all: opens what is new or different, closes what is gone. Resolves once each was tried. */
    async replace(resources: readonly LoadedComponent[]): Promise<void> {
      const names = new Set(resources.map(({ name }) => name));
      for (const [name, { slot }] of slots) {
        if (names.has(name)) continue;
        if (slot.isGone) slots.delete(name);
        else {
          slot.want(undefined);
          void slot.follow();
        }
      }
      await Promise.all(
        inOrder(resources).map((resource) => changed(resource)?.follow()),
      );
    },

    /** The components in use. */
    loaded(): Loaded[] {
      const open = [...slots.values()].map(({ slot }) => slot.loaded);
      return open.filter((loaded) => loaded !== undefined);
    },

    /** Why the component of that name is absent although the original has its type; undefined for all others. */
    absence,

    /** Components that are left out because their type is not in this version, as `name (type/version)`. */
    absent(): string[] {
      return [...slots.values()]
        .filter(({ slot }) => slot.absence !== undefined)
        .map(({ slot }) => label(slot.wanted!));
    },

    /** Names of components that should be in use but could not be opened. */
    failing(): string[] {
      return [...slots]
        .filter(([, { slot }]) => slot.isFailing)
        .map(([name]) => name);
    },

    /** Closes all, the last opened first. If one could not be closed, rejects after all have been tried. */
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

/** Secret stores come first, each after the store that it needs itself; all else stays in order. */
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

/** The content by which a change is noticed, without the places in files. Taken before opening, which fills in secrets. */
const contentOf = (resource: LoadedComponent): string =>
  JSON.stringify(resource, (key, value: unknown) =>
    key === "at" || key === "nameAt" ? undefined : value,
  );
