/** What an app is called beside the others. */
import { printable } from "../../printable.ts";
import type { App } from "../messages.ts";

/** With its namespace if apps of several ones are shown, with its pod or process if the app has several sidecars. */
export function nameOf(app: App, apps: readonly App[]): string {
  const { appId, sidecar, pod } = app;
  const isElsewhere = apps.some((one) => one.pod?.namespace !== pod?.namespace);
  const hasTwin = apps.some(
    (one) =>
      one !== app &&
      one.appId === appId &&
      one.pod?.namespace === pod?.namespace,
  );
  const name = pod && isElsewhere ? `${pod.namespace} / ${appId}` : appId;
  return printable(hasTwin ? `${name} (${pod?.name ?? sidecar})` : name);
}
