/** Headers as they came, ready to be sent once more. */
import type { IncomingHttpHeaders } from "node:http2";
import type { ProxiedMetadata } from "../../contracts/proxied-call.ts";

/** `raw` are names and values in turn; Node joins those of one name in `headers`, or takes the first where there can be only one. */
export function proxiedMetadata(
  headers: IncomingHttpHeaders,
  raw: readonly string[] = [],
): ProxiedMetadata {
  const metadata = Object.create(null) as ProxiedMetadata;
  for (const [name, value] of Object.entries(headers))
    if (!name.startsWith(":") && value !== undefined) metadata[name] = value;
  const all = new Map<string, string[]>();
  for (let i = 0; i < raw.length; i += 2) {
    const values = all.get(raw[i]!);
    if (values) values.push(raw[i + 1]!);
    else all.set(raw[i]!, [raw[i + 1]!]);
  }
  for (const [name, values] of all)
    if (values.length > 1 && metadata[name] !== values[0])
      if (name in metadata) metadata[name] = values;
  return metadata;
}
