/**
 * Unpacks Snappy (https://github.com/google/snappy/blob/main/format_description.txt),
 * raw or in the frames of the Java library that most Kafka clients write.
 * Throws on what is no Snappy; reads and writes nothing outside its buffers.
 */
export function unpackSnappy(data: Buffer): Buffer {
  if (!data.subarray(0, framesMark.length).equals(framesMark))
    return unpackBlock(data);
  const blocks = [];
  // The mark, a version and the oldest compatible one.
  for (let at = framesMark.length + 8; at < data.length;) {
    if (at + 4 > data.length) throw broken();
    const size = data.readUInt32BE(at);
    at += 4;
    if (size > data.length - at) throw broken();
    blocks.push(unpackBlock(data.subarray(at, (at += size))));
  }
  return Buffer.concat(blocks);
}

const framesMark = Buffer.from([0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0]);

const broken = () => new Error("broken Snappy data");

/** Nothing in Snappy makes a byte into more than 22 (a copy of 64 takes 3). */
const mostGrowth = 22;

function unpackBlock(data: Buffer): Buffer {
  let at = 0;
  let size = 0;
  for (let shift = 1; ; shift *= 128) {
    if (at >= data.length || at === 5) throw broken();
    const byte = data[at++]!;
    size += (byte & 0x7f) * shift;
    if (byte < 128) break;
  }
  if (size > data.length * mostGrowth) throw broken();
  const out = Buffer.allocUnsafe(size);
  let end = 0;
  while (at < data.length) {
    const tag = data[at++]!;
    if ((tag & 3) === 0) {
      let length = (tag >> 2) + 1;
      if (length > 60) {
        const extra = length - 60;
        if (at + extra > data.length) throw broken();
        length = data.readUIntLE(at, extra) + 1;
        at += extra;
      }
      if (length > data.length - at || length > size - end) throw broken();
      end += data.copy(out, end, at, (at += length));
      continue;
    }
    const extra = [1, 2, 4][(tag & 3) - 1]!;
    if (at + extra > data.length) throw broken();
    const isShort = extra === 1;
    const length = isShort ? ((tag >> 2) & 7) + 4 : (tag >> 2) + 1;
    const distance = isShort
      ? ((tag >> 5) << 8) | data[at]!
      : data.readUIntLE(at, extra);
    at += extra;
    if (distance === 0 || distance > end || length > size - end) throw broken();
    end = copyWithin(out, end, distance, length);
  }
  if (end !== size) throw broken();
  return out;
}

/** Copies bytes from so far back; the source may overlap the target. Returns the new end. */
export function copyWithin(
  out: Buffer,
  end: number,
  distance: number,
  length: number,
): number {
  if (distance >= length) {
    out.copyWithin(end, end - distance, end - distance + length);
    return end + length;
  }
  for (const stop = end + length; end < stop; end++)
    out[end] = out[end - distance]!;
  return end;
}
