/**
 * Unpacks LZ4 frames (https://github.com/lz4/lz4/blob/dev/doc/lz4_Frame_format.md).
 * Their checksums are not looked at: Kafka's batch has one of its own. Throws on
 * what is no LZ4; reads and writes nothing outside its buffers.
 */
import { copyWithin } from "./snappy.ts";

const magic = 0x184d2204;
const broken = () => new Error("broken LZ4 data");

/** `most`: how many bytes it may become. More is an ERR_BUFFER_TOO_LARGE, as in zlib. */
export function unpackLz4(data: Buffer, most = Infinity): Buffer {
  if (data.length < 7 || data.readUInt32LE(0) !== magic) throw broken();
  const flags = data[4]!;
  if (flags >> 6 !== 1) throw broken(); // version
  const maxBlock = [64, 256, 1024, 4096][((data[5]! >> 4) & 7) - 4];
  if (maxBlock === undefined) throw broken();
  if (flags & 1) throw new Error("LZ4 data that needs a dictionary");
  let at = 6 + (flags & 8 ? 8 : 0) + 1; // content size, header checksum
  const out = createOutput();
  for (;;) {
    if (at + 4 > data.length) throw broken();
    const word = data.readUInt32LE(at);
    at += 4;
    if (word === 0) return out.take();
    const size = word & 0x7fffffff;
    if (size > data.length - at) throw broken();
    const block = data.subarray(at, at + size);
    out.reserve(maxBlock * 1024);
    if (word >>> 31) {
      if (size > maxBlock * 1024) throw broken();
      out.end += block.copy(out.bytes, out.end);
    } else out.end = unpackBlock(block, out.bytes, out.end, maxBlock * 1024);
    if (out.end > most)
      throw Object.assign(new Error("too large"), {
        code: "ERR_BUFFER_TOO_LARGE",
      });
    at += size + (flags & 16 ? 4 : 0); // block checksum
  }
}

/** A buffer that grows; later blocks may copy from earlier ones. */
function createOutput() {
  const output = {
    bytes: Buffer.alloc(0),
    end: 0,
    reserve(room: number) {
      const needed = output.end + room;
      if (needed <= output.bytes.length) return;
      const larger = Buffer.allocUnsafe(
        Math.max(needed, output.bytes.length * 2),
      );
      output.bytes.copy(larger, 0, 0, output.end);
      output.bytes = larger;
    },
    take: () => output.bytes.subarray(0, output.end),
  };
  return output;
}

function unpackBlock(
  data: Buffer,
  out: Buffer,
  start: number,
  most: number,
): number {
  const limit = start + most;
  let end = start;
  let at = 0;
  /** A length of 15 continues in the bytes that follow, as long as they are 255. */
  const lengthOf = (nibble: number) => {
    let length = nibble;
    if (nibble < 15) return length;
    for (let byte = 255; byte === 255; length += byte) {
      if (at >= data.length) throw broken();
      byte = data[at++]!;
    }
    return length;
  };
  while (at < data.length) {
    const token = data[at++]!;
    const literals = lengthOf(token >> 4);
    if (literals > data.length - at || literals > limit - end) throw broken();
    end += data.copy(out, end, at, (at += literals));
    if (at === data.length) return end; // the last sequence is literals only
    if (at + 2 > data.length) throw broken();
    const distance = data.readUInt16LE(at);
    at += 2;
    const length = lengthOf(token & 15) + 4;
    if (distance === 0 || distance > end || length > limit - end)
      throw broken();
    end = copyWithin(out, end, distance, length);
  }
  throw broken();
}
