/** An outage of Kafka, or of a part of it, in the log. */
import type { Logger } from "../../../shared/log.ts";
import { watchOutage, type Outage } from "../../../shared/outage.ts";

/** Brokers that are starting or electing a leader refuse for a moment; that is not logged. */
const graceMs = 1000;

export function watchKafka(
  log: Logger,
  where: string | (() => string),
): Outage {
  const place = () => (typeof where === "string" ? where : where());
  return watchOutage(
    {
      found: (reason) =>
        log.warn(`kafka: ${place()}: ${reason}; trying again until it works`),
      over: () => log.info(`kafka: ${place()}: works again`),
    },
    { graceMs },
  );
}
