/** What a door hands to a block with each request, and the block to a component. */
export interface Call {
  readonly door: "http" | "grpc";
  /**
   * Aborts when the caller goes away before it has its answer, also when it went before this is
   * asked. It is made when first asked for: whoever is done sooner than anybody could leave does not ask.
   */
  signal(): AbortSignal;
}

/** Told of each call over gRPC that has ended: its method (`/package.Service/Method`), its code, its time. */
export type OnGrpcCall = (method: string, code: number, ms: number) => void;
