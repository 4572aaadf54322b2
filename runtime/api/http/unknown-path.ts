/** What to say of a path without a route: the verbs it takes, or the path that was probably meant. */
import { editDistance } from "../../shared/nearest-name.ts";
import type { Route } from "./request.ts";

/** These paths are known too, though they are no routes. */
const invoke = ["*", "/v1.0/invoke/:app/method/*path"] as const;
const mostEdits = 2;
const longestSegment = 30;

export type DescribeUnknown = (method: string, path: string) => string;

export function createDescribeUnknown(
  routes: readonly Route[],
): DescribeUnknown {
  const patterns = [...routes, invoke].map(([method, pattern]) => ({
    method,
    segments: pattern.split("/").slice(1),
  }));
  return (method, path) => {
    const segments = path.split("/").slice(1);
    const verbs = new Set<string>();
    let best: string | undefined;
    let fewest = Infinity;
    for (const pattern of patterns) {
      const edits = editsTo(pattern.segments, segments);
      if (edits === 0) verbs.add(pattern.method);
      if (edits === 0 || edits > mostEdits) continue;
      // A path of the same verb is nearer than any other.
      const isSame = pattern.method === method || pattern.method === "*";
      const rank = isSame ? edits : mostEdits + edits;
      if (rank >= fewest) continue;
      fewest = rank;
      best = meant(pattern.segments, segments);
    }
    const unknown = `${method} ${shortened(path)} is not in this API`;
    // If it takes this verb too, its handler has declined.
    if (verbs.size > 0 && !verbs.has(method) && fewest > mostEdits)
      return `${unknown}: the path takes ${[...verbs].join(", ")}`;
    return best === undefined
      ? unknown
      : `${unknown}; did you mean ${shortened(best)}?`;
  };
}

const shortened = (path: string) =>
  path.length > 200 ? `${path.slice(0, 200)}…` : path;

/** How far the fixed segments are from those written; Infinity for another form of path. */
function editsTo(pattern: string[], segments: string[]): number {
  const isOpen = pattern.at(-1)!.startsWith("*");
  if (
    isOpen
      ? segments.length < pattern.length
      : segments.length !== pattern.length
  )
    return Infinity;
  let edits = 0;
  for (const [i, part] of pattern.entries()) {
    const written = segments[i]!;
    if (/^[:*]/.test(part)) {
      if (written === "") return Infinity;
    } else if (part !== written) edits += distance(part, written);
    if (edits > mostEdits) return Infinity;
  }
  return edits;
}

function distance(part: string, written: string): number {
  if (isVersion(part) && isVersion(written)) return 1;
  if (written.length > longestSegment) return Infinity;
  return Math.max(1, editDistance(part, written.toLowerCase()));
}

const isVersion = (text: string) => /^v\d/.test(text);

const meant = (pattern: string[], segments: string[]): string =>
  `/${segments
    .map((written, i) => {
      const part = pattern[i];
      return part === undefined || /^[:*]/.test(part) ? written : part;
    })
    .join("/")}`;
