import { spawn, spawnSync } from "node:child_process";
import { startInStat, startOf } from "./start.ts";

test("a process keeps its start, another has another, one that is gone has none", async () => {
  const other = spawn(process.execPath, ["-e", "setInterval(() => {}, 1000)"]);
  try {
    const own = await startOf(process.pid);
    expect(own).toBeTruthy();
    expect(await startOf(process.pid)).toBe(own);
    expect(await startOf(other.pid!)).not.toBe(own);
  } finally {
    other.kill("SIGKILL");
  }
  const { pid } = spawnSync(process.execPath, ["--version"]);
  expect(await startOf(pid)).toBeUndefined();
});

test("a name with brackets and blanks does not shift the fields", () => {
  const fields = Array.from({ length: 30 }, (_, at) => String(at + 3));
  expect(startInStat(`7 (a) S 1) (b) ${fields.join(" ")}`)).toBe("22");
});
