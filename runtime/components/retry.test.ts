import { parseMetadata } from "../metadata.ts";
import {
  deadLetterHeaders,
  deliverWithRetry,
  pause,
  retryMetadata,
  retryPolicy,
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

test("tries until the app takes it", async () => {
  const app = refusing(3);
  const failures: (number | undefined)[] = [];
  const outcome = await deliverWithRetry(
    app.deliver,
    message,
    policyOf(quick),
    never,
    (_e, _n, next) => failures.push(next),
  );
  expect(outcome).toEqual({ end: "taken" });
  expect(app.tries).toHaveLength(4);
  expect(failures).toEqual([1, 1, 1]);
});

test("gives up after backOffMaxRetries further tries", async () => {
  const app = refusing(99);
  const policy = policyOf({ ...quick, backOffMaxRetries: "2" });
  const outcome = await deliverWithRetry(
    app.deliver,
    message,
    policy,
    never,
    () => {},
  );
  expect(outcome).toMatchObject({
    end: "given-up",
    tries: 3,
    error: { message: "no 3" },
  });
  expect(app.tries).toHaveLength(3);
});

test("gives up before backOffMaxElapsedTime would pass", async () => {
  const policy = policyOf({
    backOffDuration: "1h",
    backOffMaxElapsedTime: "1s",
  });
  const outcome = await deliverWithRetry(
    refusing(99).deliver,
    message,
    policy,
    never,
    () => {},
  );
  expect(outcome).toMatchObject({ end: "given-up", tries: 1 });
});

test("an abort ends the pause at once and leaves the message unacknowledged", async () => {
  const stop = new AbortController();
  const outcome = await deliverWithRetry(
    refusing(99).deliver,
    message,
    policyOf({ backOffDuration: "1h" }),
    stop.signal,
    () => queueMicrotask(() => stop.abort()),
  );
  expect(outcome).toEqual({ end: "aborted" });
  expect(await pause(60_000, stop.signal)).toBe(false);
  expect(await pause(1, never)).toBe(true);
});

test("a dead letter keeps its headers and says why, in one printable line", () => {
  expect(deadLetterHeaders(message, new Error("status 500\nü"), 3)).toEqual({
    __topic: "orders",
    __key: "k",
    "dead-letter-error": "status 500 ",
    "dead-letter-topic": "orders",
    "dead-letter-tries": "3",
  });
});
