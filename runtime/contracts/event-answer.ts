/** What an app answers about an event, whatever protocol it speaks: SUCCESS, RETRY or DROP. */
import type { Logger } from "../shared/log.ts";
import { DeliveryError } from "./delivery.ts";
import type { EventOutcome } from "./subscription.ts";

/** Throws a {@link DeliveryError} where the event has to come again. `id` names the event; no status is a success. */
export function outcomeOf(
  status: string,
  id: string,
  log: Logger,
): EventOutcome {
  switch (status) {
    case "":
    case "SUCCESS":
      return "success";
    case "DROP":
      log.warn(
        `DROP status returned from app while processing pub/sub event ${id}`,
      );
      return "drop";
    case "RETRY":
      throw new DeliveryError(
        `RETRY status returned from app while processing pub/sub event ${id}`,
      );
    default:
      throw new DeliveryError(
        `unknown status returned from app while processing pub/sub event ${id}, status: ${status.slice(0, 60)}; it may be SUCCESS, RETRY or DROP`,
      );
  }
}

/** The same for the entries of a bulk, in order; here an entry without a status has to come again. */
export function outcomesOf(
  entries: readonly { entryId: string }[],
  statuses: ReadonlyMap<string, string>,
  log: Logger,
): (EventOutcome | Error)[] {
  const ids = new Set(entries.map(({ entryId }) => entryId));
  for (const id of statuses.keys())
    if (!ids.has(id))
      log.warn(
        `Invalid entry id received from app while processing pub/sub event ${JSON.stringify(id.slice(0, 60))}`,
      );
  return entries.map(({ entryId }) => {
    const status = statuses.get(entryId);
    if (!status)
      return new DeliveryError(
        `Response not received, RETRY required while processing bulk subscribe event for entry id: ${entryId}`,
      );
    try {
      return outcomeOf(status, entryId, log);
    } catch (error) {
      return error as DeliveryError;
    }
  });
}
