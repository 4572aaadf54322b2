/**
 * pubsub.mqtt3 on a real Mosquitto against the contract of every message bus, and what is its own. A message of
 * MQTT 3.1.1 has no metadata.
 */
import { execFileSync } from "node:child_process";
import { randomUUID } from "node:crypto";
import { join } from "node:path";
import type { PubSub } from "../../runtime/contracts/pubsub.ts";
import { startMosquitto, type Mosquitto } from "../support/mosquitto-server.ts";
import { tempFolder } from "../support/temp-folder.ts";
import { waitFor } from "../wait-for.ts";
import { collect, newTopic, publish } from "./bus-calls.ts";
import { text } from "./contract-harness.ts";
import { openPubSub } from "./open-component.ts";
import { pubsubContract } from "./pubsub-contract.ts";
import type { PubSubSetup } from "./pubsub-harness.ts";

let server: Mosquitto;
beforeAll(async () => {
  server = await startMosquitto();
});
afterAll(() => server?.dispose());

pubsubContract("pubsub.mqtt3", {
  has: ["durable"],
  oddTopics: ["orders/EU", "Grüße ☕", "a,b", "%2F..", "/"],
  makeSetup: async (): Promise<PubSubSetup> => ({
    metadata: { url: server.url, consumerID: `client-${randomUUID()}` },
    bad: [
      { metadata: {}, error: "missing url" },
      { metadata: { url: "localhost" }, error: /'url': write mqtt:\/\// },
      { metadata: { url: "http://localhost" }, error: /the scheme is none of/ },
      {
        metadata: { url: server.url, qos: "3" },
        error: /'qos': 3 is not 0, 1 or 2/,
      },
      {
        metadata: { url: server.url, clientCert: "none" },
        error: /'clientKey' is missing/,
      },
    ],
    outage: {
      begin: () => server.kill(),
      end: () => server.start(),
      error: /mqtt server at 127\.0\.0\.1:\d+ can't be reached/,
      mayBeLate: true,
    },
  }),
});

describe("pubsub.mqtt3", () => {
  const closing: (() => Promise<void>)[] = [];
  afterEach(async () => {
    for (const close of closing.splice(0)) await close();
  });

  async function open(
    extra: Record<string, string> = {},
    log: string[] = [],
  ): Promise<PubSub> {
    const metadata = {
      url: server.url,
      consumerID: `client-${randomUUID()}`,
      ...extra,
    };
    const bus = await openPubSub("pubsub.mqtt3", { metadata, log });
    closing.push(() => bus.close());
    return bus;
  }

  test("what is closed while its server is away does not connect again", async () => {
    const timers = () =>
      process.getActiveResourcesInfo().filter((one) => one === "Timeout");
    await server.kill();
    try {
      const before = timers();
      const bus = await open();
      expect(timers().length).toBeGreaterThan(before.length);
      await bus.close();
      await waitFor(
        "its timers to end",
        () => timers().length <= before.length,
      );
    } finally {
      await server.start();
    }
  });

  test("wildcards stand for topics, and the subscription of exactly a topic goes first", async () => {
    const bus = await open();
    const root = newTopic();
    const all = await collect(bus, `${root}/#`);
    const one = await collect(bus, `${root}/a`);
    for (const topic of [`${root}/a`, `${root}/b`, `${root}/b/c`, root])
      await publish(bus, topic, topic);
    await waitFor("all", () => all.messages.length + one.messages.length >= 4);
    expect(one.seen()).toEqual([`${root}/a`]);
    expect(all.seen().sort()).toEqual([root, `${root}/b`, `${root}/b/c`]);
    for (const message of all.messages)
      expect(message.topic).toBe(text(message));
    await expect(publish(bus, `${root}/+`, "x")).rejects.toThrow(
      /nothing can be published to topic .*\+, #/,
    );
    await expect(
      bus.subscribe({ topic: `${root}/#/a`, metadata: {} }, async () => {}),
    ).rejects.toThrow("can't be subscribed to: # may only be the last level");
  });

  test("$share shares a topic's messages among clients", async () => {
    const topic = newTopic();
    const [one, two] = [
      await collect(await open(), `$share/group/${topic}`),
      await collect(await open(), `$share/group/${topic}`),
    ];
    const writer = await open();
    const all = Array.from({ length: 40 }, (_, n) => `${n}`);
    for (const data of all) await publish(writer, topic, data);
    await waitFor("all", () => one.seen().length + two.seen().length >= 40);
    expect([...one.seen(), ...two.seen()].sort()).toEqual(all.sort());
    for (const { messages } of [one, two])
      expect(messages[0]!.topic).toBe(topic);
  });

  test("a retained message is there for whoever subscribes later", async () => {
    const bus = await open();
    const topic = newTopic();
    await publish(bus, topic, "kept", { retain: "true" });
    await publish(bus, topic, "not kept");
    const { messages, seen } = await collect(bus, topic);
    await publish(bus, topic, "later");
    await waitFor("both", () => messages.length >= 2);
    expect(seen()).toEqual(["kept", "later"]);
    expect(messages.map(({ metadata }) => metadata)).toEqual([
      { retained: "true" },
      { retained: "false" },
    ]);
    await expect(publish(bus, topic, "x", { retain: "maybe" })).rejects.toThrow(
      `metadata 'retain': "maybe" is not true or false`,
    );
  });

  test.each(["0", "2"])("with qos %s messages arrive too", async (qos) => {
    const bus = await open({ qos });
    const topic = newTopic();
    const { seen } = await collect(bus, topic);
    for (const data of ["a", "b", "c"]) await publish(bus, topic, data);
    await waitFor("all", () => seen().length >= 3);
    expect(seen().sort()).toEqual(["a", "b", "c"]);
  });

  test("what comes before its subscription waits for it", async () => {
    const topic = newTopic();
    const consumerID = newTopic();
    const first = await open({ consumerID });
    await collect(first, topic);
    await first.close();
    const writer = await open();
    await publish(writer, topic, "a");
    const log: string[] = [];
    const second = await open({ consumerID }, log);
    await waitFor("the message", () =>
      log.some((line) => line.includes("come without a subscription")),
    );
    const { seen } = await collect(second, topic);
    await waitFor("it", () => seen().length > 0);
    expect(seen()).toEqual(["a"]);
  });

  test("unsubscribeOnClose gives up what comes later", async () => {
    const topic = newTopic();
    const bus = await open();
    const first = await collect(bus, topic, { unsubscribeOnClose: "true" });
    await first.stop();
    await publish(bus, topic, "missed");
    const { seen } = await collect(bus, topic);
    await publish(bus, topic, "seen");
    await waitFor("a message", () => seen().length > 0);
    expect(seen()).toEqual(["seen"]);
  });

  test("a wrong login is an error at once, and no log has the password", async () => {
    const folder = tempFolder("mosquitto-login");
    const file = join(folder, "passwords");
    execFileSync("mosquitto_passwd", ["-b", "-c", file, "app", "right-canary"]);
    const locked = await startMosquitto(
      `allow_anonymous false\npassword_file ${file}`,
    );
    closing.push(() => locked.dispose());
    const url = (password: string) =>
      locked.url.replace("//", `//app:${password}@`);
    const log: string[] = [];
    await expect(open({ url: url("wrong-canary") }, log)).rejects.toThrow(
      /^mqtt pub\/sub error: mqtt server at 127\.0\.0\.1:\d+ refuses the login: Connection refused: Not authorized$/,
    );
    const bus = await open({ url: url("right-canary") }, log);
    await publish(bus, newTopic(), "x");
    expect(log.join("\n")).not.toContain("canary");
  });

  test("over restarts of the server, no confirmed message is lost", async () => {
    const log: string[] = [];
    const bus = await open({}, log);
    const reader = await open({}, log);
    const topic = newTopic();
    const seen = new Set<string>();
    await reader.subscribe({ topic, metadata: {} }, async (message) => {
      await new Promise((resolve) => setImmediate(resolve));
      seen.add(text(message));
    });
    const sent: string[] = [];
    let isDone = false;
    const publishing = Promise.all(
      Array.from({ length: 8 }, async (_, caller) => {
        for (let n = 0; !isDone; n++) {
          const data = `${caller}:${n}`;
          // A message may be refused while the server is away; it is sent again.
          await waitFor("the server", () =>
            publish(bus, topic, data).then(
              () => true,
              () => false,
            ),
          );
          sent.push(data);
        }
      }),
    );
    for (let restart = 0; restart < 3; restart++) {
      const before = seen.size;
      await waitFor("100 more messages", () => seen.size > before + 100);
      // SIGTERM, so that sessions are saved: Mosquitto does not write them with each message.
      await server.stop();
      await server.start();
    }
    const before = seen.size;
    await waitFor("100 more messages", () => seen.size > before + 100);
    isDone = true;
    await publishing;
    await waitFor("all that was published", () =>
      sent.every((data) => seen.has(data)),
    );
    expect(
      log.filter((line) => /can't be reached/.test(line)).length,
    ).toBeLessThanOrEqual(2 * 3);
  });

  test("while the server hangs a message is refused in time", async () => {
    const bus = await open();
    const topic = newTopic();
    const { seen } = await collect(bus, topic);
    await publish(bus, topic, "before");
    server.pause();
    try {
      await expect(publish(bus, topic, "during")).rejects.toThrow(
        /has not confirmed the message within 10 s: it may have it or not/,
      );
    } finally {
      server.unpause();
    }
    await publish(bus, topic, "after");
    await waitFor("that message", () => seen().includes("after"));
  });
});
