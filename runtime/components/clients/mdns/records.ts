/**
 * The records by which sidecars find each other with multicast DNS
 * (docs/protocol/name-resolution.md). The service type is the app's id itself, an
 * instance is `host:pid`, and its text is the app's id again. A further text, which
 * the original does not read, holds the namespace.
 */
import { isIPv6 } from "node:net";
import type { Answer, StringAnswer, SrvAnswer, TxtAnswer } from "dns-packet";
import type { Peer } from "../../../contracts/name-resolver.ts";

/** A sidecar as it is announced. */
export interface Announcement extends Peer {
  appId: string;
  namespace: string;
  /** The machine's name, without dots. */
  machine: string;
  pid: number;
}

const ttlSeconds = 120;
const namespaceText = "namespace=";

export const serviceOf = (appId: string): string => `${appId}.local`;

/** The PTR record first, then the records a reader would ask for next. A goodbye withdraws them. */
export function announce(
  { appId, namespace, machine, pid, host, port }: Announcement,
  isGoodbye = false,
): Answer[] {
  const service = serviceOf(appId);
  const instance = `${machine}:${pid}.${service}`;
  // Not the machine's own name: other programs must not take it for this address.
  const target = `dapr-${pid}-${machine}.local`;
  const ttl = isGoodbye ? 0 : ttlSeconds;
  const texts = [appId, namespaceText + namespace];
  return [
    { name: service, type: "PTR", ttl, data: instance },
    {
      name: instance,
      type: "SRV",
      ttl,
      data: { priority: 0, weight: 0, port, target },
    },
    { name: instance, type: "TXT", ttl, data: texts },
    { name: target, type: isIPv6(host) ? "AAAA" : "A", ttl, data: host },
  ];
}

/** A sidecar that a message announces; `isGone` if the message is a goodbye. */
export interface Sighting {
  appId: string;
  /** Undefined for sidecars of the original, which do not tell it. */
  namespace: string | undefined;
  peer: Peer;
  isGone: boolean;
}

const sameName = (a: string, b: string) => a.toLowerCase() === b.toLowerCase();

/** All sidecars whose records are complete in a message. IPv4 is preferred. */
export function sightings(records: readonly Answer[]): Sighting[] {
  const found: Sighting[] = [];
  for (const record of records) {
    if (record.type !== "SRV") continue;
    const { name, ttl, data } = record as SrvAnswer;
    const text = records.find(
      (other): other is TxtAnswer =>
        other.type === "TXT" && sameName(other.name, name),
    );
    const [appId, ...more] = textsOf(text);
    if (
      !appId ||
      !name.toLowerCase().endsWith(`.${serviceOf(appId)}`.toLowerCase())
    )
      continue;
    const host = ["A", "AAAA"]
      .map((type) =>
        records.find(
          (other): other is StringAnswer =>
            other.type === type && sameName(other.name, data.target),
        ),
      )
      .find((address) => address !== undefined)?.data;
    if (!host) continue;
    found.push({
      appId,
      namespace: more
        .find((text) => text.startsWith(namespaceText))
        ?.slice(namespaceText.length),
      peer: { host, port: data.port },
      isGone: ttl === 0,
    });
  }
  return found;
}

function textsOf(answer: TxtAnswer | undefined): string[] {
  if (!answer) return [];
  const { data } = answer;
  return (Array.isArray(data) ? data : [data]).map(String);
}
