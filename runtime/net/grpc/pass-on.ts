/** Passes a call on to another server as it is: neither side's messages are read or held, whatever they are compressed with. */
import {
  unsentMark,
  type ProxiedCall,
  type ProxiedMetadata,
} from "../../contracts/proxied-call.ts";
import { countSpent } from "../../shared/memory/spent-bytes.ts";
import type { GrpcClient } from "./client.ts";
import { proxiedMetadata } from "./proxied-metadata.ts";
import { GrpcError, grpcCode } from "./status.ts";

export interface PassOnOptions {
  /** All that goes with the request. */
  metadata: ProxiedMetadata;
  /** Puts an error that no server sent into words for the caller. */
  explain(error: GrpcError): Error;
  /** The other side is a sidecar, whose status may say that its app saw nothing of the call. */
  toSidecar?: boolean;
}

/**
 * Resolves once the call is over, with whatever status. Rejects with the explained error if the other side saw nothing of it and it can
 * be passed on elsewhere, or with the reason of the call's signal.
 */
export async function passOn(
  call: ProxiedCall,
  client: GrpcClient,
  { metadata, explain, toSidecar = false }: PassOnOptions,
): Promise<void> {
  const over = Promise.withResolvers<void>();
  const onward = await client
    .start(
      call.path,
      {
        onHead: (head, raw) => call.beginWith(withoutMark(head, raw)),
        onBytes: (bytes) => pass(bytes, onward, call),
        onEnd(error, trailers, raw) {
          const isStatus =
            !error || (error instanceof GrpcError && error.origin === "status");
          if (isUnsent(error, toSidecar) && call.rewind())
            return over.reject(explain(error));
          if (isStatus)
            call.endWith({
              ...withoutMark(trailers, raw),
              // One, where the server told several, in whatever spelling.
              "grpc-status": String(error ? error.code : grpcCode.ok),
            });
          else call.fail(inWords(error, explain));
          over.resolve();
        },
      },
      { proxied: metadata, timeoutMs: call.leftMs, signal: call.signal },
    )
    .catch((error: Error) => {
      throw error instanceof GrpcError ? explain(error) : error;
    });
  call.readBytes(
    (bytes) => pass(bytes, call, onward),
    () => onward.end(),
  );
  return over.promise;
}

const isUnsent = (
  error: Error | undefined,
  toSidecar: boolean,
): error is GrpcError =>
  error instanceof GrpcError &&
  (error.unsent || (toSidecar && error.trailers[unsentMark] !== undefined));

/** Of an app's own making it would mislead the other sidecar, and callers have no use for it. */
function withoutMark(...told: Parameters<typeof proxiedMetadata>) {
  const metadata = proxiedMetadata(...told);
  delete metadata[unsentMark];
  return metadata;
}

/** It keeps its code: no more of the call can be made good. */
const inWords = (error: Error, explain: PassOnOptions["explain"]): Error =>
  error instanceof GrpcError
    ? new GrpcError(error.code, explain(error).message, { cause: error })
    : error;

interface End {
  pause(): void;
  resume(): void;
  writeBytes(bytes: Uint8Array, done: () => void): boolean;
}

/** How often each byte is in memory: in what one connection reads, and in what the other writes. */
const copies = 2;

/** Of smaller pieces the memory is shared, and goes with the garbage of their calls. */
const countedBytes = 4096;

/** No faster than `to` takes it. */
function pass(bytes: Buffer, from: End, to: End) {
  const { length } = bytes;
  const hasRoom = to.writeBytes(bytes, () => {
    if (length >= countedBytes) countSpent(copies * length);
    if (!hasRoom) from.resume();
  });
  if (!hasRoom) from.pause();
}
