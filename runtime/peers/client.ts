/** Calls to other sidecars. */
import { CallError, type Peers } from "../invocation.ts";

export function createPeers(): Peers {
  return {
    async call() {
      throw new CallError("unimplemented", "not built yet");
    },
    async close() {},
  };
}
