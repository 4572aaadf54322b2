/** What is said of apps that have ended. */
import type { App } from "../messages.ts";
import { nameOf } from "./name-of.ts";

/** Empty if none has ended since. */
export function sayEnded(before: readonly App[], now: readonly App[]): string {
  const alone = now.filter(
    ({ hasEnded, sidecar }) =>
      hasEnded &&
      !before.some((one) => one.sidecar === sidecar && one.hasEnded),
  );
  const gone = before.filter(
    ({ sidecar }) => !now.some((one) => one.sidecar === sidecar),
  );
  return [
    ...alone.map(
      (app) => `The app ${nameOf(app, now)} has ended; its sidecar runs on.`,
    ),
    ...gone.map(
      (app) => `The app ${nameOf(app, before)} and its sidecar have ended.`,
    ),
  ].join(" ");
}
