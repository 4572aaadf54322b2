/** Headers as they came, ready to be sent once more. */
import type { IncomingHttpHeaders } from "node:http2";
import type { ProxiedMetadata } from "../../contracts/proxied-call.ts";
import { setOwn } from "../../shared/set-own.ts";

/** `raw` are names and values in turn; Node joins those of one name in `headers`, or takes the first where there can be only one. */
export function proxiedMetadata(
  headers: IncomingHttpHeaders,
  raw: readonly string[] = [],
): ProxiedMetadata {
  const metadata: ProxiedMetadata = {};
  let names = 0;
  for (const name in headers) {
    names++;
    const value = headers[name];
    // Node does not send the second one.
    if (name.charCodeAt(0) === colon || name === "http2-settings") continue;
    if (value !== undefined) setOwn(metadata, name, value);
  }
  if (raw.length > 2 * names) keepApart(metadata, raw);
  return metadata;
}

const colon = 0x3a;

/** Where Node joined the values of a name. */
function keepApart(metadata: ProxiedMetadata, raw: readonly string[]) {
  const all = new Map<string, string[]>();
  for (let i = 0; i < raw.length; i += 2) {
    const values = all.get(raw[i]!);
    if (values) values.push(raw[i + 1]!);
    else all.set(raw[i]!, [raw[i + 1]!]);
  }
  for (const [name, values] of all)
    if (
      values.length > 1 &&
      Object.hasOwn(metadata, name) &&
      metadata[name] !== values[0]
    )
      setOwn<string | string[]>(metadata, name, values);
}
