/** SQLite connection strings as the original takes them: a path, a `file:` URI or `:memory:` (docs/protocol/sqlite.md). */
import { resolve } from "node:path";

export interface Connection {
  /** What SQLite is given: an absolute path, a `file:` URI with SQLite's own parameters only, or `:memory:`. */
  location: string;
  /** The file; undefined for a database in memory. */
  path: string | undefined;
  isReadOnly: boolean;
  /** Settings as SQL, in the order written. */
  pragmas: string[];
}

/** Set by properties of the component, because the sidecar relies on them. */
const ownPragmas: Record<string, string> = {
  busy_timeout: "use the property busyTimeout",
  journal_mode: "use the property disableWAL",
  foreign_keys: "it can't be set",
};

/** `Data Source=orders.db;Password=…`, `host=db user=bob`. */
const pairs =
  /^\s*(data source|datasource|filename|uri|url|server|host|user|uid|password|pwd)\s*=/i;

/** Relative paths start at `folder`. Throws on a string that can't be used. */
export function parseConnection(text: string, folder = "."): Connection {
  // The text is not quoted: it may hold a password.
  if (/^(?!file:)[a-z][a-z0-9+.-]*:\/\//i.test(text) || pairs.test(text))
    throw new Error(
      "the connection string is another database's; write a path, file:path or :memory:",
    );
  const mark = text.indexOf("?");
  const parameters = new URLSearchParams(mark < 0 ? "" : text.slice(mark + 1));
  const name = mark < 0 ? text : text.slice(0, mark);
  const pragmas = parameters.getAll("_pragma").map(pragmaOf);
  if (/^(file:)?:memory:/i.test(name))
    return {
      location: ":memory:",
      path: undefined,
      isReadOnly: false,
      pragmas,
    };
  const isReadOnly =
    parameters.get("mode") === "ro" || parameters.get("immutable") === "1";
  if (parameters.get("mode") === "memory")
    return { location: ":memory:", path: undefined, isReadOnly, pragmas };
  const path = resolve(folder, pathOf(name));
  // Parameters with an underscore belong to the original's driver, not to SQLite.
  const own = [...parameters].filter(([key]) => !key.startsWith("_"));
  const rest = new URLSearchParams(own).toString();
  return {
    location: rest
      ? `file:${encodeURI(path).replace(/[?#]/g, encodeURIComponent)}?${rest}`
      : path,
    path,
    isReadOnly,
    pragmas,
  };
}

/** `file:data.db`, `file:/data.db`, `file:///data.db`, `file://localhost/data.db`, `data.db`. */
function pathOf(name: string): string {
  if (!/^file:/i.test(name)) return name;
  const rest = name.slice("file:".length);
  const host = /^\/\/([^/]*)/.exec(rest);
  if (host && host[1] !== "" && host[1] !== "localhost")
    throw new Error(
      "a file: URI in the connection string can't name a host; write file:///path/to/data.db",
    );
  const path = host ? rest.slice(host[0].length) : rest;
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
}

/** `cache_size(-2000)` or `cache_size=-2000`; nothing that could be another statement. */
function pragmaOf(text: string): string {
  const [, name, inner, value = inner] =
    /^(\w+)(?:\(([\w.+-]+)\)|=([\w.+-]+))?$/.exec(text) ?? [];
  if (name === undefined)
    throw new Error(
      "an option '_pragma' in the connection string is not name(value) of letters, digits, + - and .",
    );
  const why = ownPragmas[name.toLowerCase()];
  if (why)
    throw new Error(
      `found forbidden option '_pragma=${name}' in the connection string: ${why}`,
    );
  return `PRAGMA ${name}${value === undefined ? "" : ` = ${value}`}`;
}
