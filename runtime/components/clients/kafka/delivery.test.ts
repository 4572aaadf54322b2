import type { Logger } from "../../../shared/log.ts";
import { parseMetadata } from "../../../contracts/metadata.ts";
import { retryMetadata, retryPolicy } from "../../retry.ts";
import { deliverEach } from "./delivery.ts";
import type { KafkaRecord, OutgoingRecord } from "./protocol/record-batch.ts";

const settings = (own: Record<string, string>) =>
  parseMetadata(
    retryMetadata,
    Object.entries(own).map(([name, value]) => ({ name, value })),
  );
const record: KafkaRecord = {
  key: Buffer.from("k"),
  value: Buffer.from("v"),
  headers: [["h", Buffer.from("1")]],
  timestamp: 1,
  offset: 9,
};

function delivery(own: Record<string, string>, failures: number) {
  const lines: string[] = [];
  const dead: OutgoingRecord[] = [];
  const line = (level: string) => (text: string) =>
    lines.push(`${level} ${text}`);
  const state = { tries: 0, lines, dead, deadLetterFailures: 0 };
  const { handle } = deliverEach({
    name: "orders",
    topic: "t",
    policy: retryPolicy(settings(own)),
    log: {
      info: line("info"),
      warn: line("warn"),
      error: line("error"),
    } as unknown as Logger,
    async deliver() {
      if (state.tries++ < failures) throw new Error("app said 503");
      return undefined;
    },
    toMessage: () => ({ data: Buffer.alloc(0), metadata: {} }),
    deadLetter: own["deadLetterTopic"]
      ? async (letter) => {
          if (state.deadLetterFailures-- > 0) throw new Error("broker away");
          dead.push(letter);
        }
      : undefined,
  });
  const run = (signal = new AbortController().signal) =>
    handle(2, [record], signal, () => {});
  return { state, run };
}

const quick = { backOffDuration: "1ms" };

test("a refused record comes again until it is taken, with one warning", async () => {
  const { state, run } = delivery(quick, 5);
  await run();
  expect(state.tries).toBe(6);
  expect(state.lines).toHaveLength(2);
  expect(state.lines[0]).toMatch(
    /^warn .*"orders": record t\/2 at offset 9 not taken .*app said 503/,
  );
  expect(state.lines[1]).toMatch(/^info .*taken after 5 failed deliveries/);
});

test("consumeRetryEnabled false tries once and says so", async () => {
  const { state, run } = delivery({ consumeRetryEnabled: "false" }, 5);
  await run();
  expect(state.tries).toBe(1);
  expect(state.lines).toEqual([expect.stringMatching(/^error .*skipped/)]);
});

test("after backOffMaxRetries the record goes to the dead-letter topic with its error", async () => {
  const { state, run } = delivery(
    { ...quick, backOffMaxRetries: "2", deadLetterTopic: "dead" },
    9,
  );
  state.deadLetterFailures = 1;
  await run();
  expect(state.tries).toBe(3);
  expect(state.dead).toHaveLength(1);
  expect(state.dead[0]).toMatchObject({ key: record.key, value: record.value });
  const headers = state.dead[0]!.headers.map(([name, v]) => [name, String(v)]);
  expect(Object.fromEntries(headers)).toEqual({
    h: "1",
    "dead-letter-topic": "t",
    "dead-letter-partition": "2",
    "dead-letter-offset": "9",
    "dead-letter-tries": "3",
    "dead-letter-error": "app said 503",
  });
});

test("without a dead-letter topic a record given up is a loud line", async () => {
  const { state, run } = delivery(
    { ...quick, backOffMaxElapsedTime: "5ms" },
    999,
  );
  await run();
  expect(state.lines.at(-1)).toMatch(/^error .*given up .*set deadLetterTopic/);
});

test.each<Record<string, string>>([{}, { consumeRetryEnabled: "false" }])(
  "the end of reading ends the waiting, and the record is not done: %j",
  async (own) => {
    const { state, run } = delivery(own, 999);
    const stop = new AbortController();
    const running = run(stop.signal);
    stop.abort();
    await expect(running).rejects.toThrow();
    expect(state.tries).toBe(1);
    expect(state.lines).toEqual([]);
  },
);
