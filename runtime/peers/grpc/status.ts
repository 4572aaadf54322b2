/** gRPC codes, and the kinds of failed calls that they stand for. */
import {
  grpcCodeOfKind,
  type CallErrorKind,
} from "../../contracts/invocation.ts";

/** This metadata marks a failed call of which the app saw nothing. */
export const unsentMark = "dapr-unsent";

const kinds = new Map(
  Object.entries(grpcCodeOfKind).map(([kind, code]) => [
    code,
    kind as CallErrorKind,
  ]),
);

/** Codes that no sidecar sends count as internal errors. */
export const kindOf = (code: number): CallErrorKind =>
  kinds.get(code) ?? "internal";
