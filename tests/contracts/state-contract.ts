/**
 * The contract of every state store, embedded or on a real server. A store's test
 * adds only how to get fresh data, and how its family differs.
 */
import { stateEtagCases } from "./state-etag-cases.ts";
import { stateKeyCases } from "./state-key-cases.ts";
import { makeStateHarness } from "./state-harness.ts";
import type { StateFamily, StateSetup } from "./state-harness.ts";
import { stateTransactionCases } from "./state-transaction-cases.ts";
import { stateValueCases } from "./state-value-cases.ts";

export function stateContract(
  type: string,
  makeSetup: () => Promise<StateSetup>,
  family: StateFamily,
): void {
  describe(`${type}${family.version ? ` ${family.version}` : ""} keeps the state contract:`, () => {
    const harness = makeStateHarness(type, makeSetup, family);
    stateValueCases(harness);
    stateKeyCases(harness);
    stateEtagCases(harness);
    stateTransactionCases(harness);
  });
}
