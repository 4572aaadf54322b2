/**
 * The one form of a method's path: decoded once, cleaned, encoded again. Access
 * control judges the very path that goes on the wire.
 */

import { toHeaderValue } from "../shared/header-text.ts";

export interface MethodPath {
  /** As access control compares it, with a leading slash: `/a b`. */
  operation: string;
  /** As it goes on the wire: `/a%20b?x=1`; the query is as it came. */
  wire: string;
}

export class MethodPathError extends Error {
  override name = "MethodPathError";
}

/** Needs neither decoding nor encoding nor cleaning. */
const plain =
  /^(?:\/[A-Za-z0-9_~!$&'()*+,;=:@-][A-Za-z0-9._~!$&'()*+,;=:@-]*)+$/;
const unencoded = /[^A-Za-z0-9._~!$&'()*+,;=:@/-]/g;
const queryUnsafe = /[^\x21-\x7e\x80-\xff]|#/;

/**
 * Normalises a percent-encoded path with its query. `..` stops at the root. A
 * `#`, `?`, NUL or control character throws, as a bad escape does.
 */
export function methodPath(encoded: string): MethodPath {
  const mark = encoded.indexOf("?");
  const path = mark < 0 ? encoded : encoded.slice(0, mark);
  const query = mark < 0 ? "" : encoded.slice(mark);
  if (queryUnsafe.test(query))
    throw new MethodPathError("the query has a character that no URL may have");
  if (plain.test(path)) return { operation: path, wire: encoded };
  const bytes = clean(decode(path));
  // oxlint-disable-next-line no-control-regex -- they are what is refused
  const bad = /[\0-\x1f\x7f#?]/.exec(bytes);
  if (bad)
    throw new MethodPathError(
      /[#?]/.test(bad[0])
        ? `invalid method: method contains forbidden character: ${bad[0]}`
        : `invalid method: method contains control character at position ${bad.index - 1}: ${JSON.stringify(bad[0])}`,
    );
  return {
    operation: Buffer.from(bytes, "latin1").toString("utf8"),
    wire: encode(bytes) + query,
  };
}

/** Percent-encodes a name that came decoded, such as a method over gRPC; `/` stays. */
export const encodePath = (name: string): string =>
  encode(Buffer.from(name, "utf8").toString("latin1"));

const encode = (bytes: string) =>
  bytes.replace(
    unencoded,
    (char) =>
      "%" + char.charCodeAt(0).toString(16).toUpperCase().padStart(2, "0"),
  );

/** Bytes as a text of Latin-1: a path need not be UTF-8. */
function decode(path: string): string {
  const bad = /%(?![0-9a-fA-F]{2})/.exec(path);
  if (bad)
    throw new MethodPathError(
      `invalid URL escape "${path.slice(bad.index, bad.index + 3)}"`,
    );
  return Buffer.from(path, "utf8")
    .toString("latin1")
    .replace(/%(..)/g, (_, hex: string) =>
      String.fromCharCode(parseInt(hex, 16)),
    );
}

/** Collapses `//`, `.`, `..` and a trailing `/`; the root stays `/`. */
function clean(path: string): string {
  const kept: string[] = [];
  for (const segment of path.split("/")) {
    if (segment === "" || segment === ".") continue;
    if (segment === "..") kept.pop();
    else kept.push(segment);
  }
  return "/" + kept.join("/");
}

/**
 * The path of a method that comes by itself, as over gRPC, with its query: what stands behind a `?` of the method, and
 * then `more`. Throws on a method that is none.
 */
export function pathWithQuery(method: string, more = ""): string {
  const mark = method.indexOf("?");
  const own = mark < 0 ? "" : method.slice(mark + 1);
  const path = pathOfMethod(mark < 0 ? method : method.slice(0, mark));
  const query = [own, more].filter(Boolean).map(toHeaderValue).join("&");
  return query === "" ? path : `${path}?${query}`;
}

/**
 * Callers differ in whether a method comes encoded: so escapes in it count as escapes, and characters that no URL may
 * have are encoded. Throws on what would end the path.
 */
function pathOfMethod(method: string): string {
  // oxlint-disable-next-line no-control-regex -- they are what is refused
  const bad = /[\0-\x1f\x7f#?]/.exec(method)?.[0];
  if (bad !== undefined)
    throw new MethodPathError(
      `invalid method name: it may not contain ${JSON.stringify(bad)}`,
    );
  const encoded = method.replace(
    /%(?![0-9a-fA-F]{2})|[^!$%&'()*+,\-./0-9:;=@A-Z_a-z~]+/gu,
    (char) => (char === "%" ? "%25" : encodeURIComponent(char.toWellFormed())),
  );
  return encoded.startsWith("/") ? encoded : `/${encoded}`;
}
