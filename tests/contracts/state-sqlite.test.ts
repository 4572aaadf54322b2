/** state.sqlite against the contract of every state store. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { stateContract } from "./state-contract.ts";
import type { StateFamily } from "./state-harness.ts";

const family: StateFamily = {
  etagOnMissing: "mismatch",
  deleteEtagOnMissing: "mismatch",
  foreignEtag: "mismatch",
  firstWriteOnExisting: "mismatch",
  lastWriteIgnoresEtag: false,
  setEndsTtl: true,
  tellsExpiry: true,
  rollsBack: true,
  persists: true,
};

stateContract(
  "state.sqlite",
  async () => {
    const folder = mkdtempSync(join(tmpdir(), "state-contract-"));
    return {
      metadata: { connectionString: join(folder, "a", "b", "state.db") },
      bad: [
        {
          metadata: { connectionString: "" },
          error: /missing connection string/,
        },
        { metadata: { timeout: "500ms" }, error: /timeout.*greater than 1s/ },
        {
          metadata: { tableName: "a; drop" },
          error: "invalid identifier: a; drop",
        },
        {
          metadata: { connectionString: "/proc/none/state.db" },
          error: /\/proc\/none/,
        },
        {
          metadata: { connectionString: "x.db?_pragma=journal_mode(DELETE)" },
          error: /forbidden option '_pragma=journal_mode'/,
        },
      ],
      dispose: async () => rmSync(folder, { recursive: true }),
    };
  },
  family,
);

describe("in memory", () => {
  stateContract(
    "state.sqlite",
    async () => ({ metadata: { connectionString: ":memory:" } }),
    { ...family, persists: false },
  );
});
