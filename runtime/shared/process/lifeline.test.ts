import { spawn } from "node:child_process";
import { once } from "node:events";
import { endGroup } from "./lifeline.ts";
import { startOf } from "./start.ts";

const app = () =>
  spawn(process.execPath, ["-e", "setInterval(() => {}, 1000)"], {
    detached: true,
    stdio: "ignore",
  });

test("the app is ended by its number while that is its own", async () => {
  const child = app();
  const exited = once(child, "exit");
  const pid = child.pid!;
  await endGroup({ pid, started: startOf(pid) });
  expect(await exited).toEqual([null, "SIGTERM"]);
});

test.each([
  ["another that got its number since", "1"],
  ["one whose start was not told", undefined],
])("%s is left alone", async (_, started) => {
  const child = app();
  try {
    await endGroup({ pid: child.pid!, started: Promise.resolve(started) });
    // A signal would have been first.
    child.kill("SIGUSR2");
    expect(await once(child, "exit")).toEqual([null, "SIGUSR2"]);
  } finally {
    child.kill("SIGKILL");
  }
});
