import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { LocalRegistry } from "./local-registry.ts";

test("a pipe or a huge file in the folder is no entry and holds nobody up", async () => {
  const folder = mkdtempSync(join(tmpdir(), "registry-test-"));
  const registry = new LocalRegistry(folder);
  try {
    await registry.add({
      appId: "shop",
      namespace: "default",
      host: "127.0.0.1",
      port: 50002,
    });
    const pipe = join(folder, `default+shop+${process.pid}-5.json`);
    expect(spawnSync("mkfifo", [pipe]).status).toBe(0);
    writeFileSync(
      join(folder, `default+shop+${process.pid}-6.json`),
      " ".repeat(64 * 1024) + "{}",
    );
    expect(registry.find("shop", "default")).toMatchObject([{ port: 50002 }]);
  } finally {
    registry.close();
    rmSync(folder, { recursive: true });
  }
});
