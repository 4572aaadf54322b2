/** The two forms of a connection string: a URL, and libpq's `host=… user=…`, which the driver does not know. */
import { MetadataError } from "../../../contracts/metadata.ts";

/** The settings by libpq's names (`dbname`, `sslmode`). Throws a {@link MetadataError} that quotes no piece of the string: any may be the password. */
export function parseConnectionString(written: string): Map<string, string> {
  const value = written.trim();
  const found = /^postgres(ql)?:\/\//i.test(value)
    ? parseUrl(value)
    : parsePairs(value);
  for (const name of found.keys()) checkName(name);
  return found;
}

/** The names of other libraries, each with libpq's. */
const foreign: Record<string, string> = {
  hostname: "host",
  server: "host",
  address: "host",
  data_source: "host",
  hostaddr: "host",
  uid: "user",
  userid: "user",
  user_id: "user",
  username: "user",
  pwd: "password",
  pass: "password",
  passwd: "password",
  db: "dbname",
  db_name: "dbname",
  databasename: "dbname",
  initial_catalog: "dbname",
  ssl: "sslmode",
  ssl_mode: "sslmode",
  sslcertificate: "sslcert",
  timeout: "connect_timeout",
};

/** Settings of the server that have capital letters; all other names are libpq's, in small letters. */
const capital = /^(DateStyle|IntervalStyle|TimeZone)$/;

/** A name that libpq does not have is a setting of the session, which the server may know. */
function checkName(name: string): void {
  if (capital.test(name)) return;
  const small = name.toLowerCase();
  const right = foreign[small] ?? (small === name ? undefined : small);
  if (right !== undefined)
    throw malformed(
      `it has a key ${/^\w{1,30}$/.test(name) ? `'${name}' ` : ""}that libpq does not know; write ${right}`,
    );
}

function parseUrl(value: string): Map<string, string> {
  if (hasCutPassword(value))
    throw malformed(
      "an @ stands after the host: write / ? # and @ in a user or password as %2F %3F %23 %40",
    );
  if (/^[^:]+:\/\/[^/?#@]*@[^/?#@,]*,[^/?#]*@/.test(value))
    throw malformed(
      "it names several hosts, or has @ and a comma in the password: name one host, and write @ in a password as %40",
    );
  let url;
  try {
    // A scheme for which URL allows an empty host (Unix sockets).
    url = new URL(value);
  } catch {
    throw malformed("it is not a URL");
  }
  const found = new Map<string, string>();
  const set = (name: string, part: string) => {
    if (part) found.set(name, decode(part));
  };
  set("host", url.hostname.replace(/^\[(.*)\]$/, "$1"));
  set("port", url.port);
  set("user", url.username);
  set("password", url.password);
  set("dbname", url.pathname.slice(1));
  for (const [name, parameter] of url.searchParams)
    found.set(name === "database" ? "dbname" : name, parameter);
  return found;
}

/** Refuses a raw `/`, `?` or `#` in a password: it would end the host, and a piece of the password would be looked up as one. */
function hasCutPassword(value: string): boolean {
  const [, authority = "", path = "", query = "", fragment = ""] =
    /^[^:]+:\/\/([^/?#]*)([^?#]*)(\?[^#]*)?(.*)$/s.exec(value) ?? [];
  return (
    path.includes("@") ||
    fragment.includes("@") ||
    (query.includes("@") &&
      (/[?&][^?=&]*@/.test(query) ||
        (path === "" && /^[^@]*:/.test(authority))))
  );
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    throw malformed("it has a % that is not an escape");
  }
}

/** `host=localhost password='two words'`: values in quotes may contain blanks, and a backslash escapes the next character. */
function parsePairs(value: string): Map<string, string> {
  const found = new Map<string, string>();
  const pair =
    /\s*([A-Za-z_]\w*)\s*=\s*(?:'((?:[^'\\]|\\.)*)'|((?:[^\s\\']|\\.)*))(?=\s|$)/sy;
  while (pair.lastIndex < value.length) {
    const at = pair.lastIndex;
    const match = pair.exec(value);
    if (!match)
      throw malformed(
        `no key=value at character ${at + 1}; a value that holds a blank, a quote or a backslash goes into single quotes, with a backslash before each ' and \\ in it`,
      );
    const [, name, quoted, bare] = match;
    if (bare !== undefined && /;\s*\w+=/.test(bare))
      throw malformed(
        "its pairs are separated by semicolons; libpq has blanks between them, and single quotes around a value that holds ;name=",
      );
    const text = (quoted ?? bare ?? "").replace(/\\(.)/gs, "$1");
    found.set(name === "database" ? "dbname" : name!, text);
  }
  return found;
}

const malformed = (what: string) =>
  new MetadataError(
    `failed to parse connection string: ${what}`,
    undefined,
    "connectionString",
  );
