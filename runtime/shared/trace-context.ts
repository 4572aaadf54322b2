/** A caller's trace, as W3C's Trace Context writes it (https://www.w3.org/TR/trace-context/). */
export interface Trace {
  /** `00-TRACE-SPAN-FLAGS` */
  traceparent: string;
  /** Empty when there is none. */
  tracestate: string;
}

/** Undefined if there is none, or one that is malformed. The state of a trace counts only with the trace. */
export function readTrace(
  traceparent: string | undefined,
  tracestate: string | undefined,
): Trace | undefined {
  if (!traceparent) return undefined;
  const found =
    /^([\da-f]{2})-([\da-f]{32})-([\da-f]{16})-([\da-f]{2})(-[^\s]*)?$/.exec(
      traceparent,
    );
  if (!found) return undefined;
  const [, version, trace, span, flags, rest] = found;
  if (version === "ff" || (version === "00" && rest !== undefined))
    return undefined;
  return written(trace!, span!, flags!, tracestate);
}

/** The same in gRPC's binary form: `grpc-trace-bin`. */
export function readBinaryTrace(
  bytes: Uint8Array,
  tracestate: string | undefined,
): Trace | undefined {
  // A version, then three fields: their number, then their bytes.
  if (bytes.length < 29 || bytes[0] !== 0) return undefined;
  if (bytes[1] !== 0 || bytes[18] !== 1 || bytes[27] !== 2) return undefined;
  const hex = Buffer.from(bytes).toString("hex");
  const part = (from: number, to: number) => hex.slice(from * 2, to * 2);
  return written(part(2, 18), part(19, 27), part(28, 29), tracestate);
}

function written(
  trace: string,
  span: string,
  flags: string,
  tracestate: string | undefined,
): Trace | undefined {
  if (/^0+$/.test(trace) || /^0+$/.test(span)) return undefined;
  return {
    traceparent: `00-${trace}-${span}-${flags}`,
    tracestate: isState(tracestate) ? tracestate : "",
  };
}

const longestState = 512;
const member =
  /^[a-z\d][a-z\d_\-*/@]{0,255}=[\x20-\x2b\x2d-\x3c\x3e-\x7e]{0,255}[\x21-\x2b\x2d-\x3c\x3e-\x7e]$/;

/** At most 32 `key=value`, each key once. */
function isState(value: string | undefined): value is string {
  if (!value || value.length > longestState) return false;
  const members = value.split(",").map((one) => one.trim());
  const keys = members.map((one) => one.slice(0, one.indexOf("=")));
  return (
    members.length <= 32 &&
    members.every((one) => member.test(one)) &&
    new Set(keys).size === keys.length
  );
}
