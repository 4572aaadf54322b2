/** The label `path` of a request: what the settings want of it, and never more than some hundred values. */
import type { MetricsSettings } from "../../contracts/configuration.ts";
import { Bounded, type Label, type Rewrite } from "./bounded.ts";
import { createPathMatcher } from "./path-matching.ts";

/** `route`: its pattern, `/v1.0/state/:store/:key`; undefined for a call of an app. */
export type PathLabel = (path: string, route: string | undefined) => Label;

export function createPathLabel(
  { increasedCardinality, pathMatching }: MetricsSettings["http"],
  rewrites: readonly Rewrite[] = [],
): PathLabel {
  const match =
    pathMatching.length > 0 ? createPathMatcher(pathMatching) : undefined;
  const byRoute = new Map<string | undefined, PathLabel>();
  return (path, route) => {
    const matched = match?.(path);
    if (matched !== undefined) return matched;
    if (!increasedCardinality) return "";
    let label = byRoute.get(route);
    if (!label) byRoute.set(route, (label = labelOf(route, rewrites)));
    return label(path, route);
  };
}

function labelOf(
  route: string | undefined,
  rewrites: readonly Rewrite[],
): PathLabel {
  const isCut =
    route !== undefined && /^\/[^/]*\/(state|secrets)\//.test(route);
  const short = isCut ? threeParts : (path: string) => path;
  // `/v1.0/state/{store}`
  const other = route && short(route).replace(/[:*](\w+)/g, "{$1}");
  const paths = new Bounded(other ?? "other", rewrites);
  let last = "";
  return (path) => {
    // Most requests are like the one before; to compare them is cheaper than to look one up.
    const isSame = isCut
      ? path.startsWith(last) && path[last.length] === "/" && last !== ""
      : path === last;
    if (isSame) return last;
    const label = paths.fold(short(path));
    last = typeof label === "string" ? label : "";
    return label;
  };
}

/** Keys, and names of secrets, are left out, as in the original. */
function threeParts(path: string): string {
  let end = 0;
  for (let n = 0; n < 3 && end >= 0; n++) end = path.indexOf("/", end + 1);
  return end < 0 ? path : path.slice(0, end);
}
