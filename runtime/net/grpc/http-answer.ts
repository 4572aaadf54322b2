/**
 * How the end of a gRPC call reads for a caller who speaks HTTP (docs/protocol/invocation.md): the table of
 * `dapr/dapr:pkg/messaging/v1/util.go`, which is that of
 * [google.rpc.Code](https://github.com/googleapis/googleapis/blob/master/google/rpc/code.proto) but for CANCELLED.
 */

const httpStatuses = [
  200, 408, 500, 400, 504, 404, 409, 403, 429, 400, 409, 400, 501, 500, 503,
  500, 401,
];

/** 500 for a code that gRPC does not have. */
export const httpStatusOf = (code: number): number => httpStatuses[code] ?? 500;
