/** One sidecar publishes, another one's app subscribes. Orders are evenly spaced, at several rates. */
import type { Bus } from "../backends/backend.ts";
import { publishPath, startWith, type Scenario } from "../bench.ts";
import { evenlySpaced } from "../measure-latency.ts";
import { subscription } from "../subscription.ts";

export const busLatency: Scenario<Bus> = async (bench, target, bus) => {
  const topic = await bus.createTopic();
  const component = bus.component();
  const consumer = await startWith(
    bench,
    target,
    `${component}---\n${subscription(topic)}`,
    true,
  );
  const producer = await startWith(bench, target, component, false);
  const measured = await evenlySpaced(
    bench,
    bus,
    { producer, consumer, path: publishPath(topic), kind: "publish" },
    "publish to delivery",
  );
  await producer.stop();
  await consumer.stop();
  await bus.removeTopic(topic);
  return measured;
};
