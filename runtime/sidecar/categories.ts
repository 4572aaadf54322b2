/** What is done with the components of each category: which block they serve, and what they can do there. */
import type { Bindings } from "../blocks/bindings/bindings.ts";
import type { Secrets } from "../blocks/secrets/secrets.ts";
import type { States } from "../blocks/state/state.ts";
import {
  bindings as knownBindings,
  secretStores,
  stateStores,
} from "../components/index.ts";
import { directionsOf } from "../components/open.ts";
import type { Binding } from "../contracts/binding.ts";
import type { Category } from "./open-loaded.ts";
import type { LoadedComponent } from "../resources/kinds/component.ts";
import type { SecretStore } from "../contracts/secret-store.ts";
import type { StateStore } from "../contracts/state-store.ts";

export interface Blocks {
  secrets: Secrets;
  states: States;
  bindings: Bindings;
}

export function createCategories({
  secrets,
  states,
  bindings,
}: Blocks): Record<string, Category> {
  const secretstores: Category<SecretStore> = {
    known: secretStores,
    add(store, { name }, explain) {
      secrets.add(name, store, explain);
      return [...store.features];
    },
    async remove(store, { name }) {
      secrets.remove(name, store);
    },
  };
  const state: Category<StateStore> = {
    known: stateStores,
    add(store, { name, metadata }, explain) {
      states.add(name, store, metadata, explain);
      return capabilitiesOf(store);
    },
    async remove(store, { name }) {
      states.remove(name, store);
    },
  };
  const binding: Category<Binding> = {
    known: knownBindings,
    add(added, resource, explain) {
      const named = { ...withRoute(resource), binding: added, explain };
      bindings.add(named);
      return bindings.capabilities(named);
    },
    remove: (removed, { name }) => bindings.remove(name, removed),
  };
  // A list and what is done with its entries go together; past here a component is a component.
  const categories = { secretstores, state, bindings: binding };
  return categories as unknown as Record<string, Category>;
}

function withRoute(resource: LoadedComponent) {
  const { name, metadata } = resource;
  const route = metadata.find((item) => item.name === "route");
  return {
    name,
    route: route?.value || name,
    directions: directionsOf(resource),
  };
}

/** Features as `/v1.0/metadata` lists them; both of these make a store fit for actors (spec api §6.1). */
const capabilitiesOf = ({ features }: StateStore): string[] => [
  ...features,
  ...(features.includes("ETAG") && features.includes("TRANSACTIONAL")
    ? ["ACTOR"]
    : []),
];
