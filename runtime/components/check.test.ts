/** What a component is refused for before it is opened. */
import { recordingLog } from "../../tests/support/recording-log.ts";
import type { ComponentResource } from "../contracts/component.ts";
import { checkComponent } from "./check.ts";
import { known, typesFor } from "./known.ts";
import { openComponent } from "./open.ts";

const options = { appId: "app", env: {}, log: recordingLog() };

const resource = (
  type: string,
  version: string,
  metadata: Record<string, string> = {},
): ComponentResource => ({
  name: "orders",
  type,
  version,
  metadata: Object.entries(metadata).map(([name, value]) => ({ name, value })),
  ignoreErrors: false,
  initTimeoutMs: 5000,
  scopes: [],
  at: { file: "c.yaml", line: 1, column: 1 },
});

const refusal = (action: Promise<unknown>): Promise<string> =>
  action.then(
    () => "",
    (error: Error) => error.message,
  );

const check = (one: ComponentResource, unread: string[] = []) =>
  refusal(checkComponent(one, typesFor(one.type), options, unread));

/** These can't do without a setting. */
const needy = [
  "bindings.cron v1",
  "bindings.http v1",
  "bindings.kafka v1",
  "bindings.localstorage v1",
  "bindings.postgres v1",
  "bindings.postgresql v1",
  "bindings.sqlite v1",
  "pubsub.kafka v1",
  "pubsub.mqtt3 v1",
  "pubsub.redis v1",
  "secretstores.local.file v1",
  "state.postgres v1",
  "state.postgres v2",
  "state.postgresql v1",
  "state.postgresql v2",
  "state.redis v1",
  "state.sqlite v1",
  "state.sqlite3 v1",
];

test("a component without settings is refused as its opening would refuse it", async () => {
  const refused: string[] = [];
  for (const { type, versions } of Object.values(known).flat())
    for (const version of versions) {
      const bare = resource(type, version);
      const why = await check(bare);
      if (why === "") continue;
      refused.push(`${type} ${version}`);
      expect(await refusal(openComponent(bare, typesFor(type), options))).toBe(
        why,
      );
    }
  expect(refused.sort()).toEqual(needy);
});

test("a value that only a secret store has is neither missing nor wrong; the others are", async () => {
  const one = resource("state.redis", "v1", { redisHost: "", enableTLS: "" });
  expect(await check(one)).toContain("missing redisHost");
  expect(await check(one, ["redishost", "enableTLS"])).toBe("");
  const other = { ...one, metadata: [{ name: "maxRetries", value: "x" }] };
  expect(await check(other, ["redisHost"])).toContain("is not a number");
  const cron = resource("bindings.cron", "v1", { schedule: "" });
  expect(await check(cron)).toContain("schedule not set");
  expect(await check(cron, ["schedule"])).toBe("");
});

test("a type of no category is looked for among all", async () => {
  expect(await check(resource("stat.redis", "v1"))).toContain(
    "incorrect type stat.redis; did you mean state.redis?",
  );
});
