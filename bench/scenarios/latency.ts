/** As in the tutorial, one sidecar sends and one receives. Orders are evenly spaced, at several rates. */
import { randomUUID } from "node:crypto";
import { bindingPath, startWith, type Scenario } from "../bench.ts";
import { evenlySpaced } from "../measure-latency.ts";

export const latency: Scenario = async (bench, target, backend) => {
  const topic = await backend.createTopic();
  const start = (direction: string) =>
    startWith(
      bench,
      target,
      backend.component(topic, { direction, group: randomUUID() }),
      direction === "input",
    );
  const consumer = await start("input");
  const producer = await start("output");
  const measured = await evenlySpaced(
    bench,
    backend,
    { producer, consumer, path: bindingPath, kind: "bind" },
    "end to end",
  );
  await producer.stop();
  await consumer.stop();
  await backend.removeTopic(topic);
  return measured;
};
