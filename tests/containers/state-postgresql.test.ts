/** state.postgresql v1 and v2 on a real server: the contract of every state store, and what is PostgreSQL's own. */
import { stateContract } from "../contracts/state-contract.ts";
import type { StateSetup } from "../contracts/state-harness.ts";
import {
  startPostgres,
  type PostgresContainer,
} from "../support/postgres-server.ts";

let postgres: PostgresContainer;

beforeAll(async () => {
  postgres = await startPostgres();
}, 90_000);
afterAll(() => postgres?.stop());

let tables = 0;

for (const version of ["v1", "v2"])
  stateContract(
    "state.postgresql",
    async (): Promise<StateSetup> => {
      const prefix = `t${++tables}_`;
      return {
        metadata: {
          connectionString: postgres.url(),
          metadataTableName: `${prefix}metadata`,
          ...(version === "v1"
            ? { tableName: `${prefix}state` }
            : { tablePrefix: prefix }),
        },
        bad: [
          {
            metadata: { connectionString: "" },
            error: "missing connection string",
          },
          { metadata: { password: "wrong" }, error: /password authentication/ },
          {
            metadata: { database: "nowhere" },
            error: /"nowhere" does not exist/,
          },
          { metadata: { timeout: "100ms" }, error: /'timeout'/ },
          { metadata: { queryExecMode: "x" }, error: /queryExecMode/ },
          {
            metadata: { metadataTableName: "a; DROP TABLE b" },
            error: /not a table's name/,
          },
        ],
        async dispose() {
          await postgres.query(
            `DROP TABLE IF EXISTS ${prefix}state, ${prefix}metadata`,
          );
        },
      };
    },
    {
      version,
      waitMs: 5000,
      etagOnMissing: "mismatch",
      deleteEtagOnMissing: "mismatch",
      foreignEtag: version === "v1" ? "invalid" : "mismatch",
      firstWriteOnExisting: "error",
      lastWriteIgnoresEtag: false,
      setEndsTtl: true,
      tellsExpiry: true,
      rollsBack: true,
      persists: true,
    },
  );
