/** Calls and deliveries in words. */
import type { CallEvent, DeliveryEvent } from "../../../shared/watch-event.ts";
import { printable } from "../../printable.ts";
import { isError, type Counts, type Seen } from "./store.ts";

export interface Row {
  time: string;
  app: string;
  /** Which way it went. */
  way: "call" | "delivery";
  what: string;
  status: string;
  ms: string;
  isError: boolean;
}

export function rowOf({ appId, event }: Seen): Row {
  return {
    time: timeOf(event.at),
    app: printable(appId),
    way: event.type,
    what: printable(whatOf(event)),
    status: statusOf(event),
    ms: msText(event.ms),
    isError: isError(event),
  };
}

/** `14:03:09.120`, local time. */
export function timeOf(at: number): string {
  const time = new Date(at);
  const two = (part: number) => String(part).padStart(2, "0");
  return `${two(time.getHours())}:${two(time.getMinutes())}:${two(time.getSeconds())}.${String(time.getMilliseconds()).padStart(3, "0")}`;
}

/** `0.4 ms`, `12 ms` */
const msText = (ms: number): string =>
  `${ms < 10 ? Math.round(ms * 10) / 10 : Math.round(ms)} ms`;

/** `Dapr/GetState` of `/dapr.proto.runtime.v1.Dapr/GetState` */
const shortName = (method: string): string =>
  method.slice(method.lastIndexOf(".") + 1);

const whatOf = (event: CallEvent | DeliveryEvent): string =>
  event.type === "delivery"
    ? `${event.source ?? event.from}${event.topic ? ` / ${event.topic}` : ""} → ${event.path}`
    : event.door === "grpc"
      ? [shortName(event.method), event.target, event.topic ?? event.key]
          .filter(Boolean)
          .join(" ")
      : `${event.method} ${event.path}`;

function statusOf(event: CallEvent | DeliveryEvent): string {
  if (event.type === "call")
    return event.door === "grpc"
      ? `gRPC ${event.status}`
      : String(event.status);
  return event.status === undefined
    ? event.outcome
    : `${event.status} ${event.outcome}`;
}

/** Everything that a reader may look for, in lower case. */
export function searchText(seen: Seen): string {
  const { app, what, status, way } = rowOf(seen);
  const { request, response, topic } = seen.event;
  return [app, what, status, way, topic, request?.text, response?.text]
    .filter(Boolean)
    .join("\n")
    .toLowerCase();
}

/** What a filter leaves; the newest first. */
export function filtered(
  seen: readonly Seen[],
  text: string,
  errorsOnly: boolean,
): Seen[] {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  return seen
    .filter((one) => {
      if (errorsOnly && !isError(one.event)) return false;
      if (words.length === 0) return true;
      const all = searchText(one);
      return words.every((word) => all.includes(word));
    })
    .toReversed();
}

/** `process 7`, `pod shop/nodeapp-1` */
export const placeOf = (sidecar: string): string =>
  `${sidecar.includes("/") ? "pod" : "process"} ${sidecar}`;

/** What the detail view tells besides the bodies, as names and values. */
export function factsOf({ appId, sidecar, event }: Seen): [string, string][] {
  const which = `the sidecar of ${appId} (${placeOf(sidecar)})`;
  const facts: [string, string | undefined][] =
    event.type === "call"
      ? [
          [
            "What",
            `A call of ${which}, over ${event.door === "grpc" ? "gRPC" : "HTTP"}`,
          ],
          [
            "Path",
            event.door === "grpc"
              ? event.path
              : `${event.method} ${event.path}`,
          ],
          ["Building block", event.block],
          [event.block === "invoke" ? "App" : "Component", event.target],
        ]
      : [
          ["What", `A delivery from ${which} to its app`],
          ["Path", event.path],
          ["Building block", event.from],
          [event.from === "invoke" ? "From app" : "Component", event.source],
        ];
  return [
    ...facts,
    ["Topic", event.topic] as const,
    ["Key", event.type === "call" ? event.key : undefined] as const,
    ["Status", `${statusOf(event)}, in ${msText(event.ms)}`] as const,
    ["Began", timeOf(event.at)] as const,
  ].flatMap(([name, value]) =>
    value ? [[name, printable(value)] as [string, string]] : [],
  );
}

/** Empty if nothing has passed. */
export function sayTraffic(
  before: Counts,
  now: Counts,
  seconds: number,
): string {
  const calls = now.calls - before.calls;
  const deliveries = now.deliveries - before.deliveries;
  const errors = now.errors - before.errors;
  if (calls + deliveries === 0) return "";
  const count = (number: number, one: string, many: string) =>
    `${number} ${number === 1 ? one : many}`;
  return `In the last ${seconds} seconds: ${count(calls, "call", "calls")}, ${count(deliveries, "delivery", "deliveries")}, ${count(errors, "error", "errors")}.`;
}
