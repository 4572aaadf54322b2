/** `/v1.0/state/{store}…` (spec api §2). */
import type { States } from "../../blocks/state.ts";
import type { Route } from "./request.ts";

export function stateRoutes(_states: States): Route[] {
  return [];
}
