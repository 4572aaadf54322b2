/** Pieces of bodies, as messages between sidecars carry them. */
import { written } from "./codec.ts";
import { StreamPayload } from "./gen/dapr/proto/common/v1/common.ts";

/** Up to here copying costs less than writing the bytes by themselves. */
const copiedBytes = 4096;

const noBytes = new Uint8Array(0);

/**
 * Field 2, `payload`, of InternalInvokeRequestStream and of
 * InternalInvokeResponseStream. A large body's bytes are passed on as they are,
 * where the generated code copies them up to four times. What comes out is the same, and
 * may follow the message's other fields: an encoded message is its encoded
 * fields in a row (https://protobuf.dev/programming-guides/encoding/#last-one-wins).
 */
export function encodePayload(data: Uint8Array, seq: bigint): Uint8Array[] {
  if (data.length <= copiedBytes)
    return [
      written((writer) =>
        StreamPayload.encode({ data, seq }, writer.uint32(18).fork()).join(),
      ),
    ];
  const rest = written((writer) =>
    StreamPayload.encode({ data: noBytes, seq }, writer),
  );
  // Field 1, `data`: a tag and a length, then the bytes.
  const inner = written((writer) => writer.uint32(10).uint32(data.length));
  const outer = written((writer) =>
    writer.uint32(18).uint32(inner.length + data.length + rest.length),
  );
  return [Buffer.concat([outer, inner]), data, rest];
}
