import { spawnSync } from "node:child_process";
import {
  mkdtempSync,
  readdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
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

test("entries and their folder are the user's own", async () => {
  const root = mkdtempSync(join(tmpdir(), "registry-test-"));
  const folder = join(root, "above", "sidecars");
  const registry = new LocalRegistry(folder);
  try {
    await registry.add({
      appId: "shop",
      namespace: "",
      host: "::1",
      port: 50002,
    });
    const mode = (path: string) => statSync(path).mode & 0o777;
    expect(mode(folder)).toBe(0o700);
    const names = readdirSync(folder);
    expect(names.map((name) => mode(join(folder, name)))).toEqual([0o600]);
  } finally {
    registry.close();
    rmSync(root, { recursive: true });
  }
});
