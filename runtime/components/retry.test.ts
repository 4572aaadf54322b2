import { pause } from "../shared/backoff.ts";
import { DeliveryError, DeliveryInterrupted } from "../contracts/delivery.ts";
import type { Logger } from "../shared/log.ts";
import { parseMetadata } from "../contracts/metadata.ts";
import {
  deadLetterHeaders,
  retryMetadata,
  retryPolicy,
  deliverUntilTaken,
  type Redelivery,
} from "./retry.ts";

const policyOf = (values: Record<string, string>) =>
  retryPolicy(
    parseMetadata(
      retryMetadata,
      Object.entries(values).map(([name, value]) => ({ name, value })),
    ),
  );
const message = {
  data: Buffer.from("1"),
  metadata: { __topic: "orders", __key: "k" },
};
const never = new AbortController().signal;
const quick = { backOffPolicy: "constant", backOffDuration: "1ms" };

/** An app that refuses the first `count` tries. */
function refusing(count: number) {
  const tries: number[] = [];
  const deliver = async () => {
    tries.push(tries.length + 1);
    if (tries.length <= count) throw new Error(`no ${tries.length}`);
    return undefined;
  };
  return { tries, deliver };
}

test("by default a message is tried again without end, from 100 ms up to 5 s", () => {
  const policy = policyOf({});
  expect(policy.enabled).toBe(true);
  expect(policy.maxRetries).toBe(Infinity);
  expect(policy.maxElapsedMs).toBe(Infinity);
  expect(
    [1, 2, 3, 7, 50].map((n) => Math.round(policy.pauseMs(n, 0.5))),
  ).toEqual([100, 200, 400, 5000, 5000]);
});

test("the original's policies keep their figures", () => {
  expect(policyOf({ backOffPolicy: "constant" }).pauseMs(9)).toBe(5000);
  expect(policyOf({ backOffDuration: "250" }).pauseMs(1)).toBe(250);
  const exponential = policyOf({ backOffPolicy: "exponential" });
  expect(exponential.pauseMs(1, 0)).toBe(250);
  expect(exponential.pauseMs(1, 0.5)).toBe(500);
  expect(exponential.pauseMs(2, 0.5)).toBe(750);
  expect(exponential.pauseMs(99, 0.5)).toBe(60_000);
});

test("only an explicit false turns redelivery off", () => {
  expect(policyOf({ consumeRetryEnabled: "false" }).enabled).toBe(false);
  expect(policyOf({ consumeRetryEnabled: "true" }).enabled).toBe(true);
  expect(policyOf({ backOffMaxRetries: "-1" }).maxRetries).toBe(Infinity);
});

function redelivery(failures: number, own: Record<string, string>) {
  const app = refusing(failures);
  const lines: string[] = [];
  const line = (text: string) => void lines.push(text);
  const run = (
    more: Partial<Redelivery> = {},
    signal: AbortSignal = never,
  ): Promise<boolean> =>
    deliverUntilTaken(
      "record 1",
      message,
      {
        deliver: app.deliver,
        policy: policyOf(own),
        deadLetter: undefined,
        log: { info: line, warn: line, error: line } as unknown as Logger,
        ...more,
      },
      signal,
    );
  return { app, lines, run };
}

test("tries until the app takes it, named once in the log", async () => {
  const { app, lines, run } = redelivery(3, quick);
  expect(await run()).toBe(true);
  expect(app.tries).toHaveLength(4);
  expect(lines).toEqual([
    "record 1 not taken (delivery 1), delivering it again until it is; its partition waits: no 1",
    "record 1 taken after 3 failed deliveries",
  ]);
});

describe("a message that the app answers for minutes", () => {
  beforeEach(() => void jest.useFakeTimers());
  afterEach(() => void jest.useRealTimers());
  const minutesWith = async (status: number) => {
    const { lines, run } = redelivery(0, {});
    const stop = new AbortController();
    const deliver = () =>
      Promise.reject(new DeliveryError(`status code: ${status}`, status));
    const running = run({ deliver }, stop.signal);
    await jest.advanceTimersByTimeAsync(3.5 * 60_000);
    stop.abort();
    expect(await running).toBe(false);
    return lines;
  };

  test("with 400 is named loudly, again and again, with what to set", async () => {
    const lines = await minutesWith(400);
    expect(lines).toHaveLength(4);
    expect(lines[0]).toContain("not taken (delivery 1)");
    expect(lines[3]).toContain(
      "record 1 is refused by the app for its form, with 400 for 3 min, and its partition waits for it: mend the app's route so that it takes the message, or set backOffMaxRetries, with deadLetterTopic to keep it or without to skip it",
    );
  });

  test.each([500, 503, 404, 429])(
    "with %d is not called a matter of form",
    async (status) => {
      const lines = await minutesWith(status);
      expect(lines.join()).not.toContain("for its form");
    },
  );
});

test("gives up after backOffMaxRetries further tries", async () => {
  const { app, lines, run } = redelivery(99, {
    ...quick,
    backOffMaxRetries: "2",
  });
  expect(await run()).toBe(true);
  expect(app.tries).toHaveLength(3);
  expect(lines.at(-1)).toBe(
    "record 1 given up after 3 deliveries (no 3) and skipped: set deadLetterTopic to keep such messages",
  );
});

test("gives up before backOffMaxElapsedTime would pass", async () => {
  const { app, run } = redelivery(99, {
    backOffDuration: "1h",
    backOffMaxElapsedTime: "1s",
  });
  const kept: number[] = [];
  expect(
    await run({ deadLetter: async (_, tries) => void kept.push(tries) }),
  ).toBe(true);
  expect(app.tries).toHaveLength(1);
  expect(kept).toEqual([1]);
});

test("an abort ends the pause at once and leaves the message unacknowledged", async () => {
  const stop = new AbortController();
  const { app, run } = redelivery(99, { backOffDuration: "1h" });
  const running = run({}, stop.signal);
  while (app.tries.length === 0) await pause(1, never);
  stop.abort();
  expect(await running).toBe(false);
  expect(await pause(60_000, stop.signal)).toBe(false);
  expect(await pause(1, never)).toBe(true);
});

test("a delivery called off is neither taken nor skipped", async () => {
  const { lines, run } = redelivery(0, { consumeRetryEnabled: "false" });
  const deliver = () => Promise.reject(new DeliveryInterrupted("stops"));
  expect(await run({ deliver })).toBe(false);
  expect(lines).toEqual([]);
});

test("a dead letter keeps its headers and says why, in one printable line", () => {
  const place = { __partition: "2", __offset: "9", __timestamp: "1" };
  const sent = { ...message, metadata: { ...message.metadata, ...place } };
  expect(deadLetterHeaders(sent, new Error("status 500\nü"), 3)).toEqual({
    __key: "k",
    "dead-letter-topic": "orders",
    "dead-letter-partition": "2",
    "dead-letter-offset": "9",
    "dead-letter-tries": "3",
    "dead-letter-error": "status 500 ",
  });
});
