/** Durations above 24.8 days, which Node's own timers cut to 1 ms, have their full length. */
import { join } from "node:path";
import { component } from "../support/component.ts";
import { startDaprd, stopAll, type DaprdOptions } from "../support/daprd.ts";
import { closeApps, startApp } from "../support/recording-app.ts";
import { tempFolder } from "../support/temp-folder.ts";

afterEach(async () => {
  await stopAll();
  await closeApps();
});

const folder = tempFolder("long-durations");
const long = "1000h";

const noOverflow = (output: string) =>
  expect(output).not.toContain("TimeoutOverflowWarning");

test.each([
  ["sqlite's timeout", "state.sqlite", { timeout: long }, ""],
  ["sqlite's busyTimeout", "state.sqlite", { busyTimeout: long }, ""],
  ["sqlite's cleanupInterval", "state.sqlite", { cleanupInterval: long }, ""],
  ["an initTimeout", "state.in-memory", {}, `  initTimeout: ${long}\n`],
])("%s", async (name, type, metadata, spec) => {
  const connectionString = join(folder, `${name.replace(/\W/g, "")}.db`);
  const sidecar = await startDaprd({
    resources: {
      "a.yaml": component(
        "store",
        type,
        type === "state.sqlite" ? { connectionString, ...metadata } : {},
        { spec },
      ),
    },
  });
  for (let i = 0; i < 10; i++) {
    const body = `[{"key":"k","value":${i}}]`;
    const saved = await sidecar.call("POST", "/v1.0/state/store", { body });
    expect(saved.status).toBe(204);
    const got = await sidecar.call("GET", "/v1.0/state/store/k");
    expect(got.text).toBe(`${i}`);
  }
  await sidecar.stop();
  noOverflow(sidecar.output());
});

test("bindings.http's responseTimeout may be that long", async () => {
  const app = await startApp(async () => {
    // Longer than a millisecond, to which the timeout must not be cut.
    await new Promise((resolve) => setTimeout(resolve, 50));
    return { status: 200, body: "late" };
  });
  const sidecar = await startDaprd({
    resources: {
      "a.yaml": component("web", "bindings.http", {
        url: `http://127.0.0.1:${app.port}/`,
        responseTimeout: long,
      }),
    },
  });
  const reply = await sidecar.call("POST", "/v1.0/bindings/web", {
    body: '{"operation":"get"}',
  });
  expect(reply).toMatchObject({ status: 200, text: "late" });
  await sidecar.stop();
  noOverflow(sidecar.output());
});

test.each<[string, DaprdOptions]>([
  ["grace", { args: ["--dapr-graceful-shutdown-seconds=2147484"] }],
  ["a header timeout", { env: { DAPR_HTTP_HEADER_TIMEOUT: long } }],
  [
    "health probes",
    {
      args: [
        "--enable-app-health-check",
        "--app-health-probe-interval=9999999",
        "--app-health-probe-timeout=2147483648",
      ],
    },
  ],
  ["a probe of inputs", { args: [`--app-binding-options-timeout=${long}`] }],
])(
  "with so long a duration a call under way is completed: %s",
  async (_, options) => {
    const held = Promise.withResolvers<void>();
    const began = Promise.withResolvers<void>();
    const app = await startApp(async ({ path }) => {
      if (path !== "/slow") return { status: 200 };
      began.resolve();
      await held.promise;
      return { status: 200, body: "done" };
    });
    const sidecar = await startDaprd({
      ...options,
      appPort: app.port,
      until: "ready",
    });
    if (options.args?.includes("--enable-app-health-check"))
      await sidecar.logged("app is healthy");
    const call = sidecar.call("GET", "/v1.0/invoke/testapp/method/slow");
    await began.promise;
    sidecar.child.kill("SIGTERM");
    await sidecar.logged("Dapr is shutting down");
    held.resolve();
    expect(await call).toMatchObject({ status: 200, text: "done" });
    expect(await sidecar.exited).toEqual({ code: 0, signal: null });
    noOverflow(sidecar.output());
  },
);

test("the block before the shutdown may be that long", async () => {
  const sidecar = await startDaprd({
    args: [`--dapr-block-shutdown-duration=${long}`],
  });
  sidecar.child.kill("SIGTERM");
  await sidecar.logged("Blocking graceful shutdown for 3600000s");
  // A block of a millisecond would be over long before this answer.
  expect((await sidecar.call("GET", "/v1.0/metadata")).status).toBe(200);
  expect(sidecar.output()).not.toContain("Block shutdown period expired");
  noOverflow(sidecar.output());
  sidecar.child.kill("SIGTERM"); // a second signal ends it at once
  expect((await sidecar.exited).code).toBe(1);
});
