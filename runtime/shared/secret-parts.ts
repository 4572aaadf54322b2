/** The parts of a secret value: hosts, users, folders and settings, which a driver may name alone. */

/** Text that belongs to a format and is no part of the secret: `-----BEGIN …-----`, the scheme of a URL. */
const frame = /^-----.*-----$|^[\t ]*[a-z][a-z0-9+.-]*:\/\//gim;
/** Names of settings in connection strings. Any other name before a `=` may be part of a value with a blank in it. */
const setting =
  /(^|[\s;&?])(?:host|hostaddr|port|user|username|password|passfile|dbname|database|options|sslmode|sslrootcert|sslcert|sslkey|sslpassword|search_path|application_name|connect_timeout|pool_\w+)\s*=/gi;
const betweenParts = /[\s=;,/\\@?&:#'"<>()[\]{}|]+/;

/** The pieces between blanks and punctuation, and those between the dots of each. */
export function partsOf(value: string): string[] {
  const content = value.replace(frame, " ").replace(setting, "$1 ");
  const parts = content.split(betweenParts);
  return [...parts, ...parts.flatMap((part) => part.split("."))];
}
