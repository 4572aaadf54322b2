/**
 * The contract of every binding with a queue, embedded or on a real server. A
 * binding's test adds only how to get a fresh topic and group.
 */
import { makeHarness } from "./contract-harness.ts";
import type { ContractSetup } from "./contract-harness.ts";
import { deliveryCases } from "./delivery-cases.ts";
import { failureCases } from "./failure-cases.ts";

export function bindingContract(
  type: string,
  makeSetup: () => Promise<ContractSetup>,
): void {
  describe(`${type} keeps the binding contract:`, () => {
    const harness = makeHarness(type, makeSetup);
    deliveryCases(harness);
    failureCases(harness);
  });
}
