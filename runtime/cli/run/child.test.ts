import { waitFor } from "../../../tests/wait-for.ts";
import { end, start } from "./child.ts";

const hourMs = 3_600_000;
const stubborn = `process.on("SIGTERM", () => console.log("asked")); console.log("up"); setInterval(() => {}, 1000);`;

/** Heeds no SIGTERM. */
async function startStubborn() {
  const child = await start(process.execPath, ["-e", stubborn], {
    env: process.env,
    stdio: ["ignore", "pipe", "inherit"],
  });
  let printed = "";
  child.process.stdout!.on("data", (text) => (printed += text));
  await waitFor("it to be up", () => printed.includes("up"));
  return { child, printed: () => printed };
}

test("who does not heed the request is killed at the end of his time", async () => {
  const { child, printed } = await startStubborn();
  expect(await end(child, 200, new AbortController().signal)).toBe("killed");
  expect(child.exit).toEqual({ code: null, signal: "SIGKILL" });
  expect(printed()).toContain("up");
});

test("force ends the wait, however much is left of it", async () => {
  const { child, printed } = await startStubborn();
  const force = new AbortController();
  const ending = end(child, hourMs, force.signal);
  await waitFor("the request", () => printed().includes("asked"));
  force.abort();
  expect(await ending).toBe("killed");
});

test("who heeds it is waited for", async () => {
  const child = await start(
    process.execPath,
    ["-e", "setInterval(() => {}, 1000)"],
    {
      env: process.env,
      stdio: "ignore",
    },
  );
  expect(await end(child, hourMs, new AbortController().signal)).toBe("ended");
  expect(child.exit).toEqual({ code: null, signal: "SIGTERM" });
});
