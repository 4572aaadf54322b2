/** What the page is told of a sidecar, from its process and its metadata. */
import { detailsIn, type Instance } from "../instances/instances.ts";
import type { App, AppComponent, AppSubscription } from "./messages.ts";
import type { Metadata } from "./sidecar.ts";

type Json = Record<string, unknown>;

/** `metadata` is undefined while the sidecar does not answer. */
export function describeApp(
  instance: Instance,
  metadata: Metadata | undefined,
): Omit<App, "isWatched"> {
  const { command, appPid, runTemplateName } = detailsIn(metadata, instance);
  return {
    appId: instance.appId,
    appPort: instance.appPort,
    httpPort: instance.httpPort,
    grpcPort: instance.grpcPort,
    command,
    created: instance.startedMs,
    appPid,
    sidecar: String(instance.daprdPid),
    ...(runTemplateName ? { runTemplateName } : {}),
    ...describeParts(metadata),
  };
}

/** What the sidecar has loaded. */
export const describeParts = (
  metadata: Metadata | undefined,
): Pick<App, "components" | "subscriptions"> => ({
  components: listOf(metadata?.["components"]).map(component),
  subscriptions: listOf(metadata?.["subscriptions"]).map(subscription),
});

const component = (told: Json): AppComponent => ({
  name: textOf(told["name"]),
  type: textOf(told["type"]),
  version: textOf(told["version"]),
  capabilities: (Array.isArray(told["capabilities"])
    ? told["capabilities"]
    : []
  ).map(textOf),
});

const subscription = (told: Json): AppSubscription => ({
  pubsubname: textOf(told["pubsubname"]),
  topic: textOf(told["topic"]),
  // The original has had an object around them: { rules: [] }.
  rules: listOf(
    Array.isArray(told["rules"])
      ? told["rules"]
      : (told["rules"] as Json | undefined)?.["rules"],
  ).map(({ match, path }) => ({
    ...(typeof match === "string" ? { match } : {}),
    ...(typeof path === "string" ? { path } : {}),
  })),
});

const textOf = (value: unknown): string =>
  typeof value === "string" ? value : "";

/** Another program may answer on a sidecar's port: all else than objects is left out. */
const listOf = (value: unknown): Json[] =>
  Array.isArray(value)
    ? value.filter((one) => typeof one === "object" && one !== null)
    : [];
