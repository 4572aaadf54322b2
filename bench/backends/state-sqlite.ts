/** A database file. The sidecar writes it; the count is read from the file itself. */
import { rmSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { componentYaml, type Store } from "./backend.ts";

export function sqliteStore(folder: string): Store {
  const file = join(folder, "state.db");
  return {
    name: "state-sqlite",
    pids: [],
    component: () => componentYaml("state.sqlite", { connectionString: file }),
    async stored() {
      const database = new DatabaseSync(file, { readOnly: true });
      try {
        const row = database
          .prepare("SELECT count(*) AS held FROM state")
          .get();
        return Number(row!["held"]);
      } finally {
        database.close();
      }
    },
    async clear() {
      for (const suffix of ["", "-wal", "-shm"])
        rmSync(file + suffix, { force: true });
    },
    close: async () => {},
  };
}
