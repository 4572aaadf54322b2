/** gRPC codes, and the kinds of failed calls and HTTP statuses that they stand for. */
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

/** The HTTP status for each code of a gRPC app (the original's table); 500 for any other code. */
const httpStatuses = [
  200, 408, 500, 400, 504, 404, 409, 403, 429, 400, 409, 400, 501, 500, 503,
  500, 401,
];

export const httpStatusOf = (code: number): number => httpStatuses[code] ?? 500;
