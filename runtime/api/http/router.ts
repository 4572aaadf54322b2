/**
 * Finds the route of a path as the original does: matched on the escaped path
 * after `//`, `.`, `..` and a trailing `/` are collapsed, parameters then
 * form-unescaped (`%2F` stays inside its segment, `+` is a space).
 */
import { ApiError } from "../../contracts/errors.ts";
import type { Route, RouteHandler } from "./request.ts";

export interface Match {
  /** Of the route, as it was given. */
  pattern: string;
  handler: RouteHandler;
  params: Record<string, string>;
}

interface Pattern {
  pattern: string;
  segments: string[];
  handler: RouteHandler;
}

export type FindRoute = (method: string, path: string) => Match | undefined;

export function createRouter(routes: readonly Route[]): FindRoute {
  // By method and number of segments, so that a look-up tries few patterns.
  const table = new Map<string, Pattern[]>();
  const open: (Pattern & { method: string; head: string[] })[] = [];
  for (const [method, pattern, handler] of routes) {
    const segments = pattern.split("/").slice(1);
    if (segments.at(-1)!.startsWith("*")) {
      const head = segments.slice(0, -1);
      open.push({ method, pattern, segments, head, handler });
      continue;
    }
    const key = `${method} ${segments.length}`;
    const patterns = table.get(key) ?? [];
    patterns.push({ pattern, segments, handler });
    table.set(key, patterns);
  }
  return (method, path) => {
    const segments = path.split("/").slice(1);
    for (const one of table.get(`${method} ${segments.length}`) ?? [])
      if (matches(one.segments, segments)) return bind(one, segments);
    for (const one of open)
      if (
        (one.method === "*" || one.method === method) &&
        segments.length >= one.segments.length &&
        matches(one.head, segments)
      )
        return bind(one, segments);
    return undefined;
  };
}

const matches = (pattern: string[], segments: string[]) =>
  pattern.every(
    (part, i) =>
      part === segments[i] || (part.startsWith(":") && segments[i] !== ""),
  );

function bind(
  { pattern, segments, handler }: Pattern,
  actual: string[],
): Match {
  const params: Record<string, string> = {};
  segments.forEach((part, i) => {
    const name = part.slice(1);
    if (part.startsWith(":")) params[name] = unescapeParam(name, actual[i]!);
    else if (part.startsWith("*")) params[name] = actual.slice(i).join("/");
  });
  return { pattern, handler, params };
}

/** Throws an {@link ApiError} if an escape is broken or no UTF-8. */
export function unescapeParam(name: string, value: string): string {
  if (!/[%+]/.test(value)) return value;
  checkEscapes(name, value);
  try {
    return decodeURIComponent(value.replaceAll("+", " "));
  } catch {
    // Replacing the bad bytes would make different keys the same.
    throw new ApiError("badEscape", [name, `"${value}" is not UTF-8`]);
  }
}

/** Checks a part that stays escaped, and so need not be UTF-8. Throws an {@link ApiError}. */
export function checkEscapes(name: string, value: string): void {
  const bad = /%(?![0-9a-fA-F]{2})/.exec(value);
  if (bad)
    throw new ApiError("badEscape", [
      name,
      `invalid URL escape "${value.slice(bad.index, bad.index + 3)}"`,
    ]);
}

/** Collapses `//`, `.`, `..` and a trailing `/`; the root stays `/`. */
export function cleanPath(path: string): string {
  if (!/\/\/|\/\.|.\/$/.test(path)) return path;
  const kept: string[] = [];
  for (const segment of path.split("/")) {
    if (segment === "" || segment === ".") continue;
    if (segment === "..") kept.pop();
    else kept.push(segment);
  }
  return "/" + kept.join("/");
}
