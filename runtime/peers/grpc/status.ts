/** gRPC codes, and the kinds of failed calls that they stand for. */
import {
  grpcCodeOfKind,
  type CallErrorKind,
} from "../../contracts/invocation.ts";

const kinds = new Map(
  Object.entries(grpcCodeOfKind).map(([kind, code]) => [
    code,
    kind as CallErrorKind,
  ]),
);

/** Codes that no sidecar sends count as internal errors. */
export const kindOf = (code: number): CallErrorKind =>
  kinds.get(code) ?? "internal";
