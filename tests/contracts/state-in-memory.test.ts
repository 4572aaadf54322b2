/** state.in-memory against the contract of every state store. */
import { stateContract } from "./state-contract.ts";

stateContract("state.in-memory", async () => ({ metadata: {} }), {
  etagOnMissing: "mismatch",
  deleteEtagOnMissing: "mismatch",
  foreignEtag: "mismatch",
  firstWriteOnExisting: "mismatch",
  lastWriteIgnoresEtag: false,
  setEndsTtl: true,
  tellsExpiry: true,
  rollsBack: true,
  persists: false,
});
