/** The shipped `dapr publish`, by the sidecar of an app that `dapr run` started. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { component } from "../support/component.ts";
import { cli, workspace, type CliRun } from "./cli-process.ts";

const { dir, remove } = workspace();
const id = `cli-publish-${process.pid}`;
const bus = join(dir, "bus.db");
const runs: CliRun[] = [];

const start = async (...args: string[]) => {
  const run = cli(
    [
      "run",
      "--resources-path",
      "resources",
      ...args,
      "--",
      process.execPath,
      "app.js",
    ],
    { cwd: dir },
  );
  runs.push(run);
  await run.prints("You're up and running!");
};

beforeAll(async () => {
  writeFileSync(
    join(dir, "resources", "pubsub.yaml"),
    component("pubsub", "pubsub.sqlite", { path: bus, partitions: "1" }),
  );
  writeFileSync(
    join(dir, "app.js"),
    'setInterval(() => {}, 1000); process.on("SIGTERM", () => process.exit(0));',
  );
  writeFileSync(join(dir, "message.json"), '{"from":"a file"}\n');
  await start("--app-id", id);
});

afterAll(async () => {
  for (const run of runs) run.signal("SIGTERM");
  await Promise.all(runs.map((run) => run.exit));
  remove();
});

async function publish(...args: string[]) {
  const it = cli(["publish", ...args], { cwd: dir });
  return { code: await it.exit, out: it.out, err: it.err };
}

const by = ["--publish-app-id", id, "--pubsub", "pubsub"];
const published = {
  code: 0,
  out: "✅  Event published successfully\n",
  err: "",
};

/** What is stored, in order. */
function stored(): string[] {
  const db = new DatabaseSync(bus, { readOnly: true });
  const rows = db.prepare("SELECT value FROM log_message ORDER BY id").all();
  db.close();
  return rows.map(({ value }) => Buffer.from(value as Uint8Array).toString());
}

const newest = () => stored().at(-1)!;

test.each<[string, string[], object]>([
  [
    "JSON",
    ["--topic", "a/ü b", "--data", '{"orderId":"42"}'],
    {
      topic: "a/ü b",
      datacontenttype: "application/json",
      data: { orderId: "42" },
      source: id,
    },
  ],
  [
    "the contents of a file",
    ["-t", "t", "-f", "message.json"],
    { data: { from: "a file" } },
  ],
  [
    "what is no JSON, as a text",
    ["-t", "t", "-d", "plain words"],
    { data: "plain words" },
  ],
  ["nothing", ["-t", "t"], { data: "" }],
  [
    "a CloudEvent as it is",
    [
      "-t",
      "t",
      "-d",
      '{"id":"1","source":"s","specversion":"1.0","type":"mine","data":5}',
    ],
    { id: "1", source: "s", type: "mine", data: 5, topic: "t" },
  ],
  [
    "an object that is nearly one",
    ["-t", "t", "-d", '{"id":"1","source":"s","type":"mine","data":5}'],
    { data: { id: "1", source: "s", type: "mine", data: 5 } },
  ],
  [
    "metadata",
    [
      "-t",
      "t",
      "-d",
      "1",
      "-m",
      '{"cloudevent.id":"a&b=ü","cloudevent.type":7}',
    ],
    { id: "a&b=ü", type: "7" },
  ],
])("it publishes %s", async (_, args, attributes) => {
  expect(await publish(...by, ...args)).toEqual(published);
  expect(JSON.parse(newest())).toMatchObject(attributes);
});

test("a raw payload has no envelope", async () => {
  const raw = ["--metadata", '{"rawPayload":"true"}'];
  expect(await publish(...by, "-t", "t", "-d", "raw words", ...raw)).toEqual(
    published,
  );
  expect(newest()).toBe("raw words");
});

test("the errors say what to do", async () => {
  const before = stored().length;
  const failed = (out: string, err: unknown) => ({ code: 1, out, err });
  const here = ["--pubsub", "pubsub", "--topic", "t"];
  expect(await publish("--publish-app-id", "nobody", ...here)).toEqual(
    failed(
      "",
      "❌  Error publishing topic t: couldn't find a running Dapr instance\n    See what runs with `dapr list`, and start the app with `dapr run --app-id nobody`.\n",
    ),
  );
  const { code, out, err } = await publish(
    ...by.slice(0, 3),
    "nope",
    "-t",
    "a b",
    "-m",
    '{"x":"1"}',
  );
  expect(code).toBe(1);
  expect(out).toMatch(
    /^http:\/\/localhost:\d+\/v1\.0\/publish\/nope\/a%20b\?metadata\.x=1\n$/,
  );
  expect(err).toMatch(
    /^❌ {2}Error publishing topic a b: unexpected status code 404 on publishing to a b in nope\n {4}\{"errorCode":"ERR_PUBSUB_NOT_FOUND","message":"pubsub nope is not found",.*\}\n$/,
  );
  for (const metadata of ["{", "[]", "null", "7"])
    expect(await publish(...by, "-t", "t", "-m", metadata)).toEqual(
      failed(
        "",
        expect.stringMatching(
          /^❌ {2}Error parsing metadata as JSON\. Error: .+\n$/,
        ),
      ),
    );
  expect(
    await publish(...by, "-t", "t", "-d", "1", "-f", "message.json"),
  ).toEqual(
    failed(
      "",
      "❌  Only one of --data and --data-file allowed in the same publish command\n",
    ),
  );
  expect(await publish(...by, "-t", "t", "-f", "missing.json")).toEqual(
    failed(
      "",
      expect.stringContaining(
        "❌  Error reading payload from 'missing.json'. Error: ",
      ),
    ),
  );
  const usage = await publish("--topic", "t");
  expect(usage.code).toBe(255);
  expect(usage.err).toContain('required flag(s) "pubsub" not set');
  expect(stored()).toHaveLength(before);
});

test("it reaches a sidecar that listens on a socket", async () => {
  const app = `${id}-socket`;
  const folder = join(dir, "sockets");
  mkdirSync(folder);
  await start("--app-id", app, "--unix-domain-socket", folder);
  const args = ["-i", app, "-p", "pubsub", "-t", "t", "-d"];
  expect(await publish(...args, "1")).toEqual(published);
  expect(JSON.parse(newest())).toMatchObject({ source: app, data: 1 });
  expect(await publish(...args, "2", "-u", folder)).toEqual(published);
  expect(JSON.parse(newest())).toMatchObject({ source: app, data: 2 });
  // Now that there are two, it has to be told by which.
  const { code, err } = await publish("-p", "pubsub", "-t", "t");
  expect(code).toBe(1);
  expect(err).toContain(
    "❌  Error publishing topic t: several apps run: say which with --publish-app-id (",
  );
});
