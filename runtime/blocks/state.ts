/** The state building block: what the state API means, whatever protocol asks (spec api §2). */
import type { Logger } from "../log.ts";
import type { MetadataItem } from "../contract.ts";
import type { StateStore } from "../state-store.ts";

export type States = ReturnType<typeof createStates>;

export interface StatesOptions {
  appId: string;
  /** `NAMESPACE`; empty when there is none. */
  namespace: string;
  log: Logger;
}

export function createStates(_options: StatesOptions) {
  const stores = new Map<string, StateStore>();
  return {
    /** `metadata` is the component's, for `keyPrefix` and its like. */
    add(name: string, store: StateStore, _metadata: readonly MetadataItem[]) {
      stores.set(name, store);
    },
  };
}
