/** Passes a call on to another server as it is: neither side's messages are read or held, whatever they are compressed with. */
import type {
  ProxiedCall,
  ProxiedMetadata,
} from "../../contracts/proxied-call.ts";
import { countSpent } from "../../shared/memory/spent-bytes.ts";
import type { GrpcClient } from "./client.ts";
import { proxiedMetadata } from "./proxied-metadata.ts";
import { GrpcError } from "./status.ts";

export interface PassOnOptions {
  /** All that goes with the request. */
  metadata: ProxiedMetadata;
  /** Puts an error that no server sent into words for the caller. */
  explain(error: GrpcError): Error;
}

/**
 * Resolves once the call is over, with whatever status. Rejects if there is no connection, with the explained error,
 * or with the reason of the call's signal: nothing of it was read then.
 */
export async function passOn(
  call: ProxiedCall,
  client: GrpcClient,
  { metadata, explain }: PassOnOptions,
): Promise<void> {
  const over = Promise.withResolvers<void>();
  const onward = await client
    .start(
      call.path,
      {
        onHead: (head, raw) => call.beginWith(proxiedMetadata(head, raw)),
        onBytes: (bytes) => pass(bytes, onward, call),
        onEnd(error, trailers, raw) {
          const isStatus =
            !error || (error instanceof GrpcError && error.origin === "status");
          if (isStatus) call.endWith(proxiedMetadata(trailers, raw));
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
