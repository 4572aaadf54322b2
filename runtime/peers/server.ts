/** The port for other sidecars: the original's internal gRPC (spec grpc §4). */
import type { Forward } from "../invocation.ts";
import type { Logger } from "../log.ts";

export interface PeerServerOptions {
  addresses: readonly string[];
  /** 0 picks a free one. */
  port: number;
  receive: Forward;
  maxBodyBytes: number;
  log: Logger;
}

export interface PeerServer {
  port: number;
  /** What it speaks besides gRPC, for its registration. */
  direct?: string;
  close(): Promise<void>;
}

export async function listenPeers(
  options: PeerServerOptions,
): Promise<PeerServer> {
  return { port: options.port, close: async () => {} };
}
