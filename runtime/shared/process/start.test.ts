import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { waitFor } from "../../../tests/wait-for.ts";
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

(process.platform === "linux" ? test : test.skip)(
  "one that its parent has not collected yet is gone",
  async () => {
    const script = "sleep 1000 & echo $!; exec sleep 1000";
    const parent = spawn("sh", ["-c", script]);
    try {
      const [line] = (await once(parent.stdout, "data")) as [Buffer];
      const pid = Number(String(line));
      expect(await startOf(pid)).toBeTruthy();
      process.kill(pid, "SIGKILL");
      await waitFor("its end", async () => (await startOf(pid)) === undefined);
      expect(process.kill(pid, 0)).toBe(true);
    } finally {
      parent.kill("SIGKILL");
    }
  },
);

test("a name with brackets and blanks does not shift the fields", () => {
  const fields = Array.from({ length: 30 }, (_, at) => String(at + 3));
  expect(startInStat(`7 (a) S 1) (b) ${fields.join(" ")}`)).toBe("22");
});
