/** Keeps a component's secret values, and their parts, out of its log lines and errors, whoever wrote these. */
import type { MetadataItem } from "./metadata.ts";
import { messageOf } from "../shared/message-of.ts";
import type { Logger } from "../shared/log.ts";
import type { MetadataTable } from "./metadata.ts";
import { partsOf } from "../shared/secret-parts.ts";

/** Shorter values are not hidden, as they occur in ordinary words. */
const minLength = 4;
/** Longer values are hidden in their own case only: no message changes it, and the pattern would be large. */
const maxPatternLength = 1000;

/** Replaces the values in a text. */
export type Hide = (text: string) => string;

/** The message of a component's error for the API and the log: its secrets are hidden. */
export type Explain = (error: unknown) => string;

const unchanged: Hide = (text) => text;

/**
 * Hides values from a secret store, values that the table calls secret, and
 * passwords inside URLs and connection strings. It hides them as a whole, and
 * the parts that a driver may name alone, such as the host of a URL. The host in
 * a connection string that is written in the component's file is no secret.
 */
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
  const wholes = new Set<string>();
  const parts = new Set<string>();
  for (const { name, value, isSecret } of items) {
    const isNamed = secretNames.has(name.toLowerCase());
    const secrets = [
      ...(isSecret || (isNamed && !isConnection.test(value)) ? [value] : []),
      ...passwordsIn(value),
    ];
    for (const text of spelled(isNamed ? [value, ...secrets] : secrets))
      wholes.add(text);
    for (const text of spelled(secrets.flatMap(partsOf))) parts.add(text);
  }
  const replace = [...new Set([...wholes, ...parts])]
    // Longer ones first, as they may contain others.
    .sort((a, b) => b.length - a.length)
    .map((text) => replacement(text, !wholes.has(text) && isPlain(text)));
  if (replace.length === 0) return unchanged;
  return (text) => replace.reduce((shown, hide) => hide(shown), text);
}

export const explainer =
  (hide: Hide): Explain =>
  (error) =>
    hide(messageOf(error));

/** A URL or `host=… port=…`. */
const isConnection = /^\s*(?:[a-z][a-z0-9+.-]*:\/\/|\w+\s*=)/i;

/** `scheme://user:PASSWORD@host` and `password=PASSWORD`. */
function passwordsIn(value: string): string[] {
  const found: string[] = [];
  const inUrl = /^[a-z][a-z0-9+.-]*:\/\/[^:@/?#]*:(.+)@/i.exec(value);
  if (inUrl) found.push(inUrl[1]!);
  for (const [, quoted, plain] of value.matchAll(
    /\b(?:ssl)?password\s*=\s*(?:'([^']+)'|([^\s;&]+))/gi,
  ))
    found.push((quoted ?? plain)!);
  return found;
}

/** A word or a number. As a part it is hidden only where it stands alone, since other words may contain it by chance. */
const isPlain = (text: string) => /^(?:[a-z]+|\d+)$/.test(text);

/** Matches in any case, as servers and URLs turn names into lower case. */
function replacement(text: string, isWord: boolean): Hide {
  if (text.length > maxPatternLength)
    return (shown) => shown.replaceAll(text, "***");
  const literal = text.replace(/[\\^$.*+?()[\]{}|/]/g, "\\$&");
  const pattern = new RegExp(
    isWord ? `(?<![\\p{L}\\p{N}])${literal}(?![\\p{L}\\p{N}])` : literal,
    "giu",
  );
  return (shown) => shown.replace(pattern, "***");
}

/** The values as they are, as JSON writes them, as a URL carries them, and without their escapes. */
function spelled(values: readonly string[]): Set<string> {
  const forms = values.flatMap((value) => {
    const trimmed = value.trim();
    return [
      value,
      trimmed,
      JSON.stringify(trimmed).slice(1, -1),
      ...orNone(encodeURIComponent, trimmed),
      ...orNone(decodeURIComponent, trimmed),
    ];
  });
  return new Set(forms.filter(({ length }) => length >= minLength));
}

function orNone(spell: (text: string) => string, text: string): string[] {
  try {
    return [spell(text)];
  } catch {
    return []; // no URL can contain this text
  }
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
