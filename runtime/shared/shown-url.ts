/** Paths and queries as they may be shown: without what looks like a secret, and no longer than can be read. */

const mostChars = 1024;
const masked = "***";
const secretName =
  /secret|token|passw|passphrase|pwd|auth|credential|signature|api[-_.]?key|access[-_.]?key|private|session|cookie|jwt|^(?:sig|key|code|sid|otp|pin)$/i;

/** `query` without its `?`; empty if there is none. */
export function shownUrl(path: string, query: string): string {
  return shortened(query === "" ? path : `${path}?${shownQuery(query)}`);
}

/** The same of a path that has its query. */
export function shownPath(path: string): string {
  const mark = path.indexOf("?");
  return mark < 0
    ? shortened(path)
    : shownUrl(path.slice(0, mark), path.slice(mark + 1));
}

/** `https://user:password@host` without user and password; any other text stays. */
export function shownTarget(target: string): string {
  const at = signOf(target);
  if (at < 0) return shortened(target);
  const scheme = target.slice(0, target.indexOf(":"));
  return shortened(`${scheme}://${masked}${target.slice(at)}`);
}

/** Whether it is a URL with a user, who may have a password. */
export const hasPassword = (target: string): boolean => signOf(target) >= 0;

/** Where the `@` behind a URL's user is; below 0 without one. */
function signOf(target: string): number {
  if (!/^https?:/i.test(target)) return -1;
  const end = target.indexOf("/", target.indexOf("//") + 2);
  return (end < 0 ? target : target.slice(0, end)).lastIndexOf("@");
}

export const shortened = (text: string): string =>
  text.length > mostChars ? `${text.slice(0, mostChars)}…` : text;

export const shownQuery = (query: string): string =>
  query
    .split("&")
    .map((part) => {
      const sign = part.indexOf("=");
      if (sign < 0 || !secretName.test(decoded(part.slice(0, sign))))
        return part;
      return `${part.slice(0, sign)}=${masked}`;
    })
    .join("&");

/** A name may be spelt with escapes. */
function decoded(name: string): string {
  try {
    return decodeURIComponent(name);
  } catch {
    return name;
  }
}
