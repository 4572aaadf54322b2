/** bindings.cron in a running sidecar (docs/protocol/bindings.md). */
import { component } from "../support/component.ts";
import { startDaprd, stopAll } from "../support/daprd.ts";
import { closeApps, startApp } from "../support/recording-app.ts";
import { freePorts } from "../support/ports.ts";
import { waitFor } from "../wait-for.ts";

afterEach(stopAll);
afterEach(closeApps);

const cron = (schedule = "@every 1s", more: Record<string, string> = {}) => ({
  "cron.yaml": component("tick", "bindings.cron", { schedule, ...more }),
});

test("an app that accepts the binding is called on schedule, with an empty body and the time", async () => {
  const app = await startApp();
  const startedAt = Date.now();
  const sidecar = await startDaprd({ appPort: app.port, resources: cron() });
  await waitFor("three calls", () => app.posts().length >= 3);
  const [first, second, third] = app.posts() as [
    (typeof app.requests)[0],
    (typeof app.requests)[0],
    (typeof app.requests)[0],
  ];
  expect(app.requests[0]).toMatchObject({ method: "OPTIONS", path: "/tick" });
  expect(first).toMatchObject({ method: "POST", path: "/tick", body: "" });
  expect(first.headers).toMatchObject({
    timezone: "Local",
    "content-type": "application/json",
    "content-length": "0",
  });
  const timeOf = (post: typeof first): number => {
    const text = post.headers["readtimeutc"] as string;
    expect(text).toMatch(/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(\.\d+)? \+0000 UTC$/);
    return Date.parse(text.replace(" +0000 UTC", "Z").replace(" ", "T"));
  };
  // Runs begin at whole seconds, perhaps late but never early. So the third is at least two intervals after the start.
  expect(timeOf(second)).toBeGreaterThan(timeOf(first));
  expect(timeOf(third)).toBeGreaterThan(timeOf(second));
  expect(timeOf(third) - startedAt).toBeGreaterThan(2000);
  expect(timeOf(third)).toBeLessThanOrEqual(Date.now());
  expect((await sidecar.call("GET", "/v1.0/metadata")).json()).toMatchObject({
    components: [{ name: "tick", capabilities: ["INPUT_BINDING"] }],
  });
});

test("an app that answers OPTIONS with 404 is not called, and with 405 or a route it is", async () => {
  const app = await startApp(({ method, path }) => ({
    status: method === "OPTIONS" ? (path === "/tick" ? 404 : 405) : 200,
  }));
  const sidecar = await startDaprd({
    appPort: app.port,
    resources: {
      ...cron(),
      "b.yaml": component("other", "bindings.cron", {
        schedule: "* * * * * *",
        route: "jobs/each-second",
      }),
    },
  });
  await waitFor("two calls", () => app.posts().length >= 2);
  expect(new Set(app.posts().map(({ path }) => path))).toEqual(
    new Set(["/jobs/each-second"]),
  );
  await sidecar.logged(
    "app does not take input binding tick: OPTIONS /tick answered 404",
  );
});

test("it cannot be used as an output binding", async () => {
  const sidecar = await startDaprd({ resources: cron() });
  const reply = await sidecar.call("POST", "/v1.0/bindings/tick", {
    body: '{"operation":"create"}',
  });
  expect(reply.status).toBe(500);
  expect(reply.json()).toMatchObject({
    message:
      "error invoking output binding tick: couldn't find output binding tick",
  });
});

test("runs may overlap, and a failed run does not end the schedule", async () => {
  const answers: ((status: number) => void)[] = [];
  const app = await startApp(({ method }) =>
    method === "OPTIONS"
      ? { status: 200 }
      : new Promise((resolve) => answers.push((status) => resolve({ status }))),
  );
  const sidecar = await startDaprd({ appPort: app.port, resources: cron() });
  await waitFor("two runs at a time", () => answers.length >= 2);
  answers[0]!(500);
  await sidecar.logged("a run of tick is not repeated");
  await waitFor("one more", () => answers.length >= 4);
  for (const answer of answers) answer(200);
});

test("it runs only while the app is healthy, and missed runs are not made up for", async () => {
  let healthy = true;
  const app = await startApp(({ path }) => ({
    status: path === "/healthz" && !healthy ? 500 : 200,
  }));
  const sidecar = await startDaprd({
    appPort: app.port,
    args: [
      "--enable-app-health-check",
      "--app-health-probe-interval=1",
      "--app-health-threshold=1",
    ],
    resources: cron(),
  });
  await waitFor("a call", () => app.posts().length >= 1);
  healthy = false;
  await sidecar.logged("app is unhealthy");
  const before = app.posts().length;
  const probes = () =>
    app.requests.filter(({ path }) => path === "/healthz").length;
  const seen = probes();
  await waitFor("three more probes", () => probes() >= seen + 3);
  expect(app.posts().length).toBe(before);
  healthy = true;
  const healthyAt = Date.now();
  await waitFor("a call again", () => app.posts().length > before);
  const atMost = Math.ceil((Date.now() - healthyAt) / 1000) + 1;
  expect(app.posts().length - before).toBeLessThanOrEqual(atMost);
});

test("runs that are due while the app is away are dropped", async () => {
  const [port] = (await freePorts(1)) as [number];
  const first = await startApp(undefined, port);
  const startedAt = Date.now();
  const sidecar = await startDaprd({ appPort: port, resources: cron() });
  await waitFor("a call", () => first.posts().length >= 1);
  await first.close();
  const dropped = () =>
    sidecar
      .messages()
      .filter((line) => line.includes("a run of tick is not repeated")).length;
  await waitFor("three runs dropped", () => dropped() >= 3);
  const again = await startApp(undefined, port);
  await waitFor("a call", () => again.posts().length >= 1);
  const text = again.posts().at(-1)!.headers["readtimeutc"] as string;
  const taken = Date.parse(text.replace(" +0000 UTC", "Z").replace(" ", "T"));
  // It is at least the fifth run, since one was taken and three were dropped.
  expect(taken - startedAt).toBeGreaterThan(4000);
});

test("the shutdown waits for a run under way", async () => {
  let finish = () => {};
  const app = await startApp(({ method }) =>
    method === "OPTIONS"
      ? { status: 200 }
      : new Promise((resolve) => {
          finish = () => resolve({ status: 200 });
        }),
  );
  const sidecar = await startDaprd({ appPort: app.port, resources: cron() });
  await waitFor("a run", () => app.posts().length === 1);
  sidecar.child.kill("SIGTERM");
  await sidecar.logged("beginning shutdown");
  expect(sidecar.child.exitCode).toBeNull();
  finish();
  expect(await sidecar.exited).toEqual({ code: 0, signal: null });
  expect(sidecar.output()).not.toContain("is not repeated");
});

test.each([
  [{ schedule: "" }, /: schedule not set \(.*cron\.yaml:\d+:\d+\)$/],
  [
    { schedule: "", schedul: "@daily" },
    /: schedule not set \(did you mean 'schedule' where it says 'schedul'\?\)/,
  ],
  [
    { schedule: "@every" },
    /: invalid schedule format '@every': @every is none of @yearly.* \(.*cron\.yaml:10:14\)$/,
  ],
  [
    { schedule: "0 61 * * * *" },
    /: invalid schedule format '0 61 \* \* \* \*': minute "61": it goes from 0 to 59 \(/,
  ],
])("%j ends the start", async (metadata, message) => {
  const { schedule, ...more } = metadata as {
    schedule: string;
    schedul?: string;
  };
  const sidecar = await startDaprd({
    until: "nothing",
    resources: cron(schedule, more as Record<string, string>),
  });
  expect((await sidecar.exited).code).toBe(1);
  expect(sidecar.messages().at(-1)).toMatch(message);
});
