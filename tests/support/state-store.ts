/** Manifests of state stores that need no server, and bodies of requests to them. */
import { component } from "./component.ts";

export const stateStore = (
  type: string,
  metadata: Record<string, string> = {},
  name = "statestore",
): string => component(name, type, metadata);

export const statePath = "/v1.0/state/statestore";

/** The body of a save. */
export const items = (...all: Record<string, unknown>[]) => JSON.stringify(all);
