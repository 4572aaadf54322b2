/** Far more messages wait than the app can take, and more than is read ahead. */
import { canReadMemory, memoryOf } from "../support/memory.ts";
import { waitFor } from "../wait-for.ts";
import { openTopicFlow, type Bus } from "./topic-flow.ts";
import { publishBacklog } from "./topics-backlog.ts";

const backlog = 100_000;
const taken = 2000;

export function topicsSlow(bus: () => Bus) {
  test(`with a slow app and ${backlog} waiting messages, memory stays flat and small`, async () => {
    const flow = await openTopicFlow(bus());
    await publishBacklog(flow, backlog);
    const { sidecar } = await flow.subscribe("slow", { app: { delayMs: 20 } });
    const after = async (count: number) => {
      await waitFor(
        `${count} messages`,
        () => flow.accepted("slow").length >= count,
      );
      return canReadMemory ? memoryOf(sidecar.pid).rss : 0;
    };
    const early = await after(taken / 4);
    const late = await after(taken);
    console.info(
      `${bus().name}: ${early.toFixed(0)} MB after ${taken / 4} messages, ${late.toFixed(0)} after ${taken}`,
    );
    expect(late - early).toBeLessThan(15);
    expect(late).toBeLessThan(110);
  });
}
