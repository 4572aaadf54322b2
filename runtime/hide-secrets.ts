/** Keeps a component's secret values out of its log lines and errors, whoever wrote them. */
import type { MetadataItem } from "./contract.ts";
import type { Logger } from "./log.ts";
import type { MetadataTable } from "./metadata.ts";

/** Shorter ones would tear holes into innocent words. */
const minLength = 4;

/** Replaces the values in a text. */
export type Hide = (text: string) => string;

const unchanged: Hide = (text) => text;

/** Hides what came out of a secret store, what the table calls secret, and passwords inside URLs and connection strings. */
export function hideSecrets(
  items: readonly MetadataItem[],
  table: MetadataTable,
): Hide {
  const secretNames = new Set(
    Object.entries(table)
      .filter(([, { secret }]) => secret)
      .flatMap(([name, { aliases = [] }]) => [name, ...aliases])
      .map((name) => name.toLowerCase()),
  );
  const found = items.flatMap(({ name, value, isSecret }) => [
    ...(isSecret || secretNames.has(name.toLowerCase()) ? [value] : []),
    ...passwordsIn(value),
  ]);
  const values = [...new Set(found.flatMap(spellings))]
    .filter((value) => value.length >= minLength)
    .sort((a, b) => b.length - a.length);
  if (values.length === 0) return unchanged;
  return (text) => {
    let shown = text;
    for (const value of values) shown = shown.replaceAll(value, "***");
    return shown;
  };
}

/** `scheme://user:PASSWORD@host` and `password=PASSWORD`. */
function passwordsIn(value: string): string[] {
  const found: string[] = [];
  const inUrl = /^[a-z][a-z0-9+.-]*:\/\/[^:@/?#]*:(.+)@/i.exec(value);
  if (inUrl) found.push(inUrl[1]!);
  for (const [, quoted, plain] of value.matchAll(
    /\bpassword\s*=\s*(?:'([^']+)'|([^\s;&]+))/gi,
  ))
    found.push((quoted ?? plain)!);
  return found;
}

/** As it stands, as JSON writes it, as a URL carries it, and without its escapes. */
function spellings(value: string): string[] {
  const trimmed = value.trim();
  const forms = [value, trimmed, JSON.stringify(trimmed).slice(1, -1)];
  try {
    forms.push(encodeURIComponent(trimmed), decodeURIComponent(trimmed));
  } catch {
    // Not a text that a URL carries; then no URL tells it.
  }
  return forms;
}

/** The same log, with every message run through `hide`. */
export function hidingLogger(log: Logger, hide: Hide): Logger {
  if (hide === unchanged) return log;
  return {
    debug: (msg) => log.debug(hide(msg)),
    info: (msg) => log.info(hide(msg)),
    warn: (msg) => log.warn(hide(msg)),
    error: (msg) => log.error(hide(msg)),
    fatal: (msg) => log.fatal(hide(msg)),
    always: (msg, fields) => log.always(hide(msg), fields),
    scope: (name) => hidingLogger(log.scope(name), hide),
  };
}
