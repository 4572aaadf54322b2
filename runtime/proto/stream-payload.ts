/** Pieces of bodies, as messages between sidecars carry them. */
import { BinaryWriter } from "@bufbuild/protobuf/wire";
import { StreamPayload } from "./gen/dapr/proto/common/v1/common.ts";

/** Up to here copying costs less than writing the bytes by themselves. */
const copiedBytes = 4096;

/**
 * Field 2, `payload`, of InternalInvokeRequestStream and of
 * InternalInvokeResponseStream. A large body's bytes are passed on as they are:
 * the generated writer copies them four times. What comes out is the same, and
 * may follow the message's other fields: an encoded message is its encoded
 * fields in a row (https://protobuf.dev/programming-guides/encoding/).
 */
export function encodePayload(data: Uint8Array, seq: bigint): Uint8Array[] {
  const writer = new BinaryWriter();
  if (data.length <= copiedBytes) {
    const payload = StreamPayload.encode(
      { data, seq },
      writer.uint32(18).fork(),
    );
    return [payload.join().finish()];
  }
  const rest = StreamPayload.encode({ data: noBytes, seq }).finish();
  const inner = new BinaryWriter().uint32(10).uint32(data.length).finish();
  writer.uint32(18).uint32(inner.length + data.length + rest.length);
  return [writer.raw(inner).finish(), data, rest];
}

const noBytes = new Uint8Array(0);
