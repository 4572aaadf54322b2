/** An unhandled error ends the sidecar with a fatal log line. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { startDaprd, stopAll } from "../support/daprd.ts";
import { tempFolder } from "../support/temp-folder.ts";

afterEach(stopAll);

const folder = tempFolder("daprd-unhandled");

test.each([
  ["rejection", 'Promise.reject(new Error("planted"))', "unhandledRejection"],
  ["rejection of a text", 'Promise.reject("planted")', "unhandledRejection"],
  ["exception", 'throw new Error("planted")', "uncaughtException"],
])("an unhandled %s", async (_, code, origin) => {
  const file = join(folder, `${origin}.mjs`);
  writeFileSync(file, `process.on("SIGUSR2", () => { ${code}; });\n`);
  const log = join(folder, `${origin}.log`);
  const sidecar = await startDaprd({
    nodeArgs: [`--import=${file}`],
    args: [`--log-file=${log}`],
  });
  sidecar.child.kill("SIGUSR2");
  expect(await sidecar.exited).toEqual({ code: 1, signal: null });
  const line = sidecar
    .messages()
    .find((message) => message.includes("nobody handled"))!;
  expect(line).toContain(origin);
  expect(line).toContain("planted");
  expect(sidecar.output()).toMatch(
    /level=fatal msg="An error that nobody handled/,
  );
});
