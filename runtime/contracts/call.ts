/** What a door hands to a block with each request, and the block to a component. */
export interface Call {
  readonly door: "http" | "grpc";
  /**
   * Aborts when the caller goes away before it has its answer, also when it went before this is
   * asked. It is made when first asked for: whoever is done sooner than anybody could leave does not ask.
   */
  signal(): AbortSignal;
}

/** The bytes of a call's messages, from this sidecar's side. */
export interface GrpcSizes {
  sentBytes: number;
  receivedBytes: number;
}

/** Told of each call over gRPC that has ended: its method (`/package.Service/Method`), its code, its time; and of one to the API that failed, the code of the catalogue. */
export type OnGrpcCall = (
  method: string,
  code: number,
  ms: number,
  sizes: Readonly<GrpcSizes>,
  errorCode?: string,
) => void;
