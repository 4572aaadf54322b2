/** Which edges a call or a delivery passes. */
import type { App } from "../../messages.ts";
import { componentOf, type Seen } from "../store.ts";
import { edgeId, peerEdgeId, sidecarOf } from "./model.ts";

export interface Step {
  edge: string;
  /** From the end of the edge to its beginning. */
  isBack: boolean;
}

/** Edges that the graph does not have are left out: a component may be gone. */
export function routeOf(
  { sidecar, event }: Seen,
  apps: readonly App[],
  hasEdge: (id: string) => boolean,
): Step[] {
  const app = `${sidecar} app`;
  const component = componentOf(event);
  const outside = component
    ? [
        edgeId(sidecar, component, event.topic),
        edgeId(sidecar, component),
      ].find(hasEdge)
    : undefined;
  if (event.type === "delivery")
    return [outside, app]
      .filter((edge) => edge !== undefined && hasEdge(edge))
      .map((edge) => ({ edge: edge!, isBack: true }));
  const peer =
    event.block === "invoke" && event.target
      ? sidecarOf(event.target, sidecar, apps)
      : undefined;
  const on = peer === undefined ? outside : peerEdgeId(sidecar, peer);
  return [app, on]
    .filter((edge) => edge !== undefined && hasEdge(edge))
    .map((edge) => ({ edge: edge!, isBack: false }));
}
