/** A `google.rpc.Status` as JSON: https://protobuf.dev/programming-guides/json/ */
import { decodeMessage, type Codec } from "./codec.ts";
import { Duration } from "./gen/google/protobuf/duration.ts";
import {
  BadRequest,
  DebugInfo,
  ErrorInfo,
  Help,
  LocalizedMessage,
  PreconditionFailure,
  QuotaFailure,
  RequestInfo,
  ResourceInfo,
  RetryInfo,
} from "./gen/google/rpc/error_details.ts";
import { Status } from "./gen/google/rpc/status.ts";

type Json = string | Json[] | { [name: string]: Json };

const codecs: Record<string, Codec<object>> = {
  BadRequest,
  DebugInfo,
  ErrorInfo,
  Help,
  LocalizedMessage,
  PreconditionFailure,
  QuotaFailure,
  RequestInfo,
  ResourceInfo,
  RetryInfo,
};
const known = new Map(
  Object.entries(codecs).map(([name, codec]) => [`google.rpc.${name}`, codec]),
);

/**
 * What stands for a failed call where there is no gRPC. `status`: the one that
 * the app sent, as bytes, if it did; without details if it can't be read. A
 * detail of another type than those of google.rpc has its bytes in base64.
 */
export function statusJson(
  code: number,
  message: string,
  status?: Uint8Array,
): Buffer {
  const details = status ? detailsOf(status).map(anyJson) : [];
  return Buffer.from(
    JSON.stringify({ code, message, ...(details.length > 0 && { details }) }),
  );
}

function detailsOf(status: Uint8Array): Status["details"] {
  try {
    return decodeMessage(Status, status).details;
  } catch {
    return [];
  }
}

function anyJson({ typeUrl, value }: Status["details"][number]): Json {
  const codec = known.get(typeUrl.slice(typeUrl.lastIndexOf("/") + 1));
  try {
    if (codec)
      return { "@type": typeUrl, ...fieldsJson(decodeMessage(codec, value)) };
  } catch {
    // Its bytes are told as they are.
  }
  return { "@type": typeUrl, value: Buffer.from(value).toString("base64") };
}

/** Without those that have their usual value. */
function fieldsJson(message: object): { [name: string]: Json } {
  const fields: [string, Json][] = [];
  for (const [name, value] of Object.entries(message)) {
    const json = valueJson(name, value);
    if (json !== undefined) fields.push([name, json]);
  }
  return Object.fromEntries(fields);
}

function valueJson(name: string, value: unknown): Json | undefined {
  if (typeof value === "string") return value === "" ? undefined : value;
  if (value instanceof Map)
    return value.size === 0 ? undefined : Object.fromEntries(value);
  if (Array.isArray(value))
    return value.length === 0
      ? undefined
      : value.map((one: string | object) =>
          typeof one === "string" ? one : fieldsJson(one),
        );
  return name === "retryDelay" && value
    ? durationJson(value as Duration)
    : undefined;
}

/** Seconds with 0, 3, 6 or 9 digits behind the point. */
function durationJson({ seconds, nanos }: Duration): string {
  const isNegative = seconds < 0n || nanos < 0;
  const digits = String(Math.abs(nanos)).padStart(9, "0");
  const fraction = /^(\d{3})(\d{3})(\d{3})$/.exec(digits)!;
  const [, milli, micro, nano] = fraction;
  const shown =
    nano !== "000"
      ? `.${digits}`
      : micro !== "000"
        ? `.${milli}${micro}`
        : milli !== "000"
          ? `.${milli}`
          : "";
  return `${isNegative ? "-" : ""}${String(seconds).replace("-", "")}${shown}s`;
}
