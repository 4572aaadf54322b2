/** Components as the sidecar would find them, and who needs one that is not there. Nothing is opened. */
import { checkComponent } from "../../components/check.ts";
import { absenceOf } from "../../components/find-type.ts";
import { typesFor } from "../../components/known.ts";
import {
  label,
  type LoadedComponent,
} from "../../resources/kinds/component.ts";
import type { selectSubscriptions } from "../../resources/kinds/subscription.ts";
import type { Logger } from "../../shared/log.ts";
import { nearestName } from "../../shared/nearest-name.ts";
import { where } from "../../shared/position.ts";
import { failure, warning, type Finding } from "./finding.ts";

/** By the sidecar's own check; what it would only warn of goes to `log`. */
export async function inComponent(
  component: LoadedComponent,
  appId: string,
  log: Logger,
): Promise<Finding[]> {
  const known = typesFor(component.type);
  const why = absenceOf(component, known);
  if (why)
    return [warning(`component ${label(component)} is left out: ${why}`)];
  const unread = component.secretRefs.map(({ item }) => item.name);
  try {
    const options = { appId, env: process.env, log };
    await checkComponent(component, known, options, unread);
    return [];
  } catch (error) {
    const { message } = error as Error;
    return [component.ignoreErrors ? warning(message) : failure(message)];
  }
}

/** A subscription with an app that gets it. */
export interface AppSubscription {
  subscription: ReturnType<typeof selectSubscriptions>[number];
  /** Empty if every app gets it. */
  appId: string;
}

/** Subscriptions to a message bus that their app does not have. */
export function withoutPubsub(
  subscriptions: readonly AppSubscription[],
  components: readonly LoadedComponent[],
): Finding[] {
  const buses = components.filter(({ type }) => type.startsWith("pubsub."));
  return subscriptions.flatMap(({ subscription, appId }) => {
    const { pubsub, topic, at } = subscription;
    const names = buses
      .filter(
        ({ scopes }) =>
          appId === "" || scopes.length === 0 || scopes.includes(appId),
      )
      .map(({ name }) => name);
    if (names.includes(pubsub)) return [];
    const near = nearestName(pubsub, names);
    const place = where(at);
    return [
      failure(
        `the subscription to topic ${topic} waits for pubsub ${pubsub}, which no component${appId ? ` of app "${appId}"` : ""} is named${near ? `; did you mean ${near}?` : ""}${place ? ` (${place})` : ""}`,
        `Correct pubsubname, or write the component. There are: ${names.join(", ") || "none"}.`,
      ),
    ];
  });
}
