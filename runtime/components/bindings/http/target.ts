/** Where bindings.http sends a request: the configured URL, or a path below it and nowhere else. */
import { trimEnd } from "../../../shared/trim-end.ts";

export interface Target {
  /** Resolves `path` of a request below the configured URL. Throws when it leads elsewhere. */
  resolve(path: string | undefined): string;
  /** The place a redirect names, as path and query; undefined when it is not below the configured URL. */
  redirected(location: string, from: string): string | undefined;
  origin: string;
  /** The `Authorization` header for a user and password in the URL. */
  authorization: string | undefined;
}

/** Throws if the text is no http or https URL. No message quotes it, since it may hold a password. */
export function parseTarget(text: string): Target {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (!url || !/^https?:$/.test(url.protocol))
    throw new Error("metadata 'url': it is not an http:// or https:// URL");
  const base = trimEnd(url.pathname, "/");
  const isBelow = ({ origin, pathname }: URL) =>
    origin === url.origin &&
    (pathname === base || pathname.startsWith(`${base}/`)) &&
    !climbs(pathname);
  return {
    origin: url.origin,
    authorization:
      url.username || url.password
        ? `Basic ${Buffer.from(`${decodeURIComponent(url.username)}:${decodeURIComponent(url.password)}`).toString("base64")}`
        : undefined,
    resolve(path) {
      if (!path) return url.pathname + url.search;
      if (/^\s*[a-z][a-z0-9+.-]*:\/\//i.test(path))
        throw new Error(
          "path is a whole URL; give the part that goes after the component's url",
        );
      const [way = "", ...query] = path.split("#")[0]!.split("?");
      const search = [url.search.slice(1), query.join("?")].filter(Boolean);
      const below = new URL(url.origin);
      const joined = `${base}/${way.replace(/^\/+/, "")}`;
      if (climbs(joined)) throw new Error("path leaves the component's url");
      below.pathname = joined;
      below.search = search.join("&");
      if (!isBelow(below)) throw new Error("path leaves the component's url");
      // eslint-disable-next-line no-control-regex
      if (/[\0-\x1f\x7f]/.test(path))
        throw new Error(
          "path holds a control character, such as a line break; write it as a percent escape",
        );
      return below.pathname + below.search;
    },
    redirected(location, from) {
      if (!URL.canParse(location, url.origin + from)) return undefined;
      const next = new URL(location, url.origin + from);
      return isBelow(next) ? next.pathname + next.search : undefined;
    },
  };
}

/** Whether a server could read `..` in it, even if it decodes several times or takes other characters for a slash. */
function climbs(path: string): boolean {
  let decoded = path;
  for (let round = 0; round < 5; round++) {
    if (
      decoded
        .split(/[/\\]/)
        // Some servers cut a parameter off first: `..;x`.
        .some((segment) => segment.split(";")[0]!.trim() === "..")
    )
      return true;
    const next = decoded.replace(/%([0-9a-f]{2})/gi, (_, hex: string) =>
      String.fromCharCode(parseInt(hex, 16)),
    );
    if (next === decoded) return false;
    decoded = next;
  }
  return true; // nobody honest encodes so many times
}
