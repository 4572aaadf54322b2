/** bindings.cron: calls the app on a schedule (docs/protocol/bindings.md). */
import { defineBinding } from "../../../contracts/binding.ts";
import {
  DeliveryInterrupted,
  type Deliver,
  type StopReading,
} from "../../../contracts/delivery.ts";
import type { MetadataItem } from "../../../contracts/metadata.ts";
import { messageOf } from "../../../shared/message-of.ts";
import { MetadataError, text } from "../../../contracts/metadata.ts";
import { parseSchedule, type Schedule } from "./schedule.ts";

const metadata = {
  schedule: text(
    "5 or 6 cron fields, a descriptor such as @daily, or @every DURATION; TZ=ZONE may go before.",
    { required: true, missing: "schedule not set" },
  ),
};

/** A change of the machine's clock is noticed within this time. */
const longestSleepMs = 60_000;

export const cron = defineBinding(
  "bindings.cron",
  metadata,
  async ({ name, meta, items, log }) => {
    const schedule = scheduleOf(meta.schedule, items);
    const stops = new Set<StopReading>();
    return {
      async read(deliver) {
        const stop = tick(schedule, async (atMs) => {
          log.debug(`name: ${name}, schedule fired: ${goTime(atMs)}`);
          try {
            await deliver(messageAt(atMs));
          } catch (error) {
            if (!(error instanceof DeliveryInterrupted))
              log.warn(
                `a run of ${name} is not repeated, the next comes by its schedule: ${messageOf(error)}`,
              );
          }
        });
        stops.add(stop);
        return async () => {
          stops.delete(stop);
          await stop();
        };
      },
      async close() {
        await Promise.all([...stops].map((stop) => stop()));
      },
    };
  },
  { check: ({ meta, items }) => void scheduleOf(meta.schedule, items) },
);

function scheduleOf(written: string, items: readonly MetadataItem[]): Schedule {
  try {
    return parseSchedule(written);
  } catch (error) {
    const item = items.find(({ name }) => name.toLowerCase() === "schedule");
    throw new MetadataError(
      item?.isSecret
        ? "invalid schedule format of what a secret store gave"
        : `invalid schedule format '${written}': ${messageOf(error)}`,
      item?.at,
    );
  }
}

/** Runs at each time of the schedule, whether or not the last run has ended. Stopping waits for the runs under way. */
function tick(
  schedule: Schedule,
  run: (atMs: number) => Promise<void>,
): StopReading {
  const running = new Set<Promise<void>>();
  let timer: NodeJS.Timeout | undefined;
  let nextMs = schedule.next(Date.now());
  const sleep = () => {
    if (nextMs === undefined) return;
    timer = setTimeout(wake, Math.min(nextMs - Date.now(), longestSleepMs));
  };
  const wake = () => {
    const nowMs = Date.now();
    if (nowMs >= nextMs!) {
      const one = run(nowMs).finally(() => running.delete(one));
      running.add(one);
      // Counted from now: times that passed while the machine slept are not made up for.
      nextMs = schedule.next(nowMs);
    }
    sleep();
  };
  sleep();
  return async () => {
    clearTimeout(timer);
    nextMs = undefined;
    await Promise.all(running);
  };
}

const messageAt = (atMs: number): Parameters<Deliver>[0] => ({
  data: new Uint8Array(0),
  metadata: { timeZone: "Local", readTimeUTC: goTime(atMs) },
  perishable: true,
});

/** As Go prints a time in UTC: `2024-10-01 10:00:00.123 +0000 UTC`, zeros at the end of the fraction left out. */
function goTime(atMs: number): string {
  const [date, time = ""] = new Date(atMs).toISOString().split("T");
  return `${date} ${time.slice(0, -1).replace(/\.000$|(?<=[1-9])00?$/, "")} +0000 UTC`;
}
