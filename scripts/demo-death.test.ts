import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { tempFolder } from "../tests/support/temp-folder.ts";
import { deathIn, isRunsEnd, refusalIn } from "./demo-death.ts";

test("what ended is named, and an exit code of 0 is not called a failure", () => {
  expect(deathIn("Exited App successfully", "nodeapp")).toBe(
    "nodeapp ended by itself (exit code 0)",
  );
  expect(
    deathIn("The App process exited with error code: exit status 4", "nodeapp"),
  ).toBe("nodeapp: The App process exited with error code: exit status 4");
  expect(deathIn("{ orderId: 1 }", "nodeapp")).toBeUndefined();
});

test("the message about a dead sidecar ends with the last fatal line of its log", () => {
  const log = join(tempFolder("demo-death"), "a.log");
  const line = `❌  the daprd process of app "a" exited: exit status 1. Its log says why: ${log}`;
  const plain = line.slice(line.indexOf("the daprd"));
  expect(deathIn(line)).toBe(plain);
  writeFileSync(
    log,
    'time="x" level=info msg="started" app_id=a\ntime="x" level=fatal msg="port 3500 of \\"a\\" is taken" app_id=a\nExited\n',
  );
  expect(deathIn(line)).toBe(`${plain}: port 3500 of "a" is taken`);
  writeFileSync(log, 'level=fatal msg="\\u001b[2J\\u009bno"\n');
  expect(deathIn(line)).toBe(`${plain}:  [2J no`);
});

test("the error that `dapr run` prints is the reason, not that it stops afterwards", () => {
  const told =
    "ℹ️  Received signal to stop Dapr and app processes. Shutting down Dapr and app processes.";
  expect(isRunsEnd(told)).toBe(true);
  expect(deathIn(told)).toBeUndefined();
  expect(refusalIn(told)).toBeUndefined();
  const why = `Error starting Dapr and app ("nodeapp"): ENOTDIR: not a directory, mkdir '/x'`;
  expect(refusalIn(`❌  ${why}`)).toBe(why);
  expect(refusalIn("✅  Exited App successfully")).toBeUndefined();
});
