/** Policies of a Resiliency around deliveries, together with what the broker does about messages that fail. */
import { closeApps } from "../support/recording-app.ts";
import { resiliency } from "../support/resiliency.ts";
import { publish, startTopics } from "../support/topics.ts";
import { waitFor } from "../wait-for.ts";
import { openTopicFlow, type Bus } from "./topic-flow.ts";

const count = 80;
const poison = 24;
const inbound = (policies: string, target: string) => ({
  "resiliency.yaml": resiliency(
    policies,
    `{components: {bus: {inbound: ${target}}}}`,
  ),
});
const retries = inbound(
  "{retries: {some: {duration: 10ms, maxRetries: 2}}}",
  "{retry: some}",
);

export function topicsResiliency(bus: () => Bus) {
  test("the policy's tries come first, then the dead-letter topic", async () => {
    const flow = await openTopicFlow(bus());
    await flow.subscribe("a", {
      app: { poison },
      deadLetters: `${flow.topic}-dead`,
      resources: retries,
    });
    const sending = flow.publish(count);
    await sending.done;
    const of = (path: string) =>
      flow.taken("a").filter((one) => one.path === path && one.order === poison)
        .length;
    await waitFor(
      "all",
      () => of("/dead") > 0 && flow.accepted("a").length >= count - 1,
    );
    expect([of("/orders"), of("/dead")]).toEqual([3, 1]);
  });

  test("without a dead-letter topic the broker's tries come after the policy's, each time anew", async () => {
    const flow = await openTopicFlow(bus());
    const { app, sidecar } = await flow.subscribe("a", {
      app: { poison },
      resources: retries,
    });
    const sending = flow.publish(count);
    await sending.done;
    const tries = () =>
      flow.taken("a").filter(({ order }) => order === poison).length;
    await waitFor("a third delivery", () => tries() > 2 * 3);
    app.cure();
    await flow.arrived("a", sending);
    expect(
      sidecar.messages().filter((line) => /Retrying in 10ms/.test(line)).length,
    ).toBeGreaterThanOrEqual(2);
  });

  test("while the circuit breaker is open the app is left alone, and nothing is lost", async () => {
    const flow = await openTopicFlow(bus());
    const { sidecar } = await flow.subscribe("a", {
      // It refuses each one once.
      app: { failEvery: 1 },
      resources: inbound(
        "{circuitBreakers: {some: {timeout: 100ms, trip: consecutiveFailures >= 3}}}",
        "{circuitBreaker: some}",
      ),
    });
    const sending = flow.publish(count);
    await sending.done;
    await flow.arrived("a", sending);
    await sidecar.logged("changed state from closed to open");
    await sidecar.logged("changed state from half-open to closed");
    // What the breaker refuses does not reach the app.
    for (let order = 0; order < count; order++)
      expect(
        flow
          .taken("a")
          .filter((one) => one.order === order)
          .map(({ status }) => status),
      ).toEqual([500, 200]);
  });

  test("with a dead-letter topic an open circuit breaker sends messages there unasked", async () => {
    const flow = await openTopicFlow(bus());
    const deadLetterTopic = `${flow.topic}-dead`;
    await flow.subscribe("a", {
      app: { failEvery: 1 },
      subscription: { deadLetterTopic },
      resources: inbound(
        "{circuitBreakers: {some: {timeout: 1h, trip: consecutiveFailures >= 3}}}",
        "{circuitBreaker: some}",
      ),
    });
    await flow.subscribe("graves", {
      subscription: { topic: deadLetterTopic },
    });
    const sending = flow.publish(count);
    await sending.done;
    await flow.arrived("graves", sending);
    expect(flow.accepted("graves")).toHaveLength(count);
    // Those that are under way at once are asked before it opens.
    expect(flow.taken("a").length).toBeGreaterThanOrEqual(3);
    expect(flow.taken("a").length).toBeLessThan(count / 2);
    expect(flow.accepted("a")).toEqual([]);
  });

  test("a time limit ends the call of an app that hangs, and the message comes again", async () => {
    const topic = `slow-${process.pid}-${Date.now()}`;
    const asked = new Set<string>();
    const { app, sidecar } = await startTopics(
      {
        subscriptions: [{ pubsubname: "bus", topic, route: "/orders" }],
        answer({ body }) {
          if (asked.has(body)) return { status: 200 };
          asked.add(body);
          return new Promise(() => {});
        },
      },
      {
        appId: topic,
        resources: {
          "bus.yaml": bus().component(),
          ...inbound("{timeouts: {quick: 200ms}}", "{timeout: quick}"),
        },
      },
    );
    try {
      const numbers = Array.from({ length: 20 }, (_, n) => n);
      for (const n of numbers) await publish(sidecar, topic, n);
      await waitFor(
        "each a second time",
        () => app.posts().length >= 2 * numbers.length,
      );
      const cut = app.posts().filter(({ isCut }) => isCut);
      expect(cut).toHaveLength(numbers.length);
      expect(new Set(cut.map(({ body }) => body)).size).toBe(numbers.length);
      await sidecar.logged("context deadline exceeded");
    } finally {
      await closeApps();
    }
  });
}
