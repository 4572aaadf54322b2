import { gzipSync } from "node:zlib";
import { waitFor } from "../../../tests/wait-for.ts";
import { Room } from "./room.ts";
import { Unpacker } from "./unpacker.ts";

const kb = 1024;
const mb = 1024 * kb;
const makeRoom = (bytes: number) =>
  new Room({
    bytes,
    maxWaitMs: 3_600_000,
    onMaxWait: () => new Error("too long"),
  });

function unpacker({
  room = makeRoom(64 * mb),
  owner = {},
  maxBytes = 4 * mb,
  use = (): unknown => undefined,
} = {}) {
  const sizes: number[] = [];
  const errors: unknown[] = [];
  const made = new Unpacker({
    maxBytes,
    owner,
    room,
    onMessage(message) {
      sizes.push(message.length);
      return use();
    },
    onError: (error) => errors.push(error),
    hold() {},
  });
  const ended = () => new Promise<void>((resolve) => made.end(resolve));
  return { made, sizes, errors, ended };
}

test.each([
  ["one", [70_000]],
  ["of nothing", [0]],
  ["small ones", [10, 20, 0]],
  ["a large one and a small one", [200_000, 10]],
  ["a small one and a large one", [10, 200_000]],
])("gzip with several members is unpacked whole: %s", async (_, sizes) => {
  const { made, sizes: seen, errors, ended } = unpacker();
  made.add(
    Buffer.concat(sizes.map((size) => gzipSync(Buffer.alloc(size, "a")))),
    true,
  );
  await ended();
  expect(errors).toEqual([]);
  expect(seen).toEqual([sizes.reduce((sum, size) => sum + size)]);
});

const saying = (size: number, whole: number) => {
  const packed = gzipSync(Buffer.alloc(whole));
  packed.writeUInt32LE(size, packed.length - 4);
  return packed;
};

test.each<[string, Buffer, number]>([
  ["says that it is shorter", saying(10, 100_000), 13],
  ["says that it is shorter, and is too large", saying(10, 64 * mb), 8],
  ["says that it is longer", saying(3 * mb, 100_000), 13],
  ["says that it is too large", saying(5 * mb, 10), 8],
  [
    "is too large with its second member",
    Buffer.concat([gzipSync(Buffer.alloc(4 * mb)), gzipSync("a")]),
    8,
  ],
  [
    "has something else at its end",
    Buffer.concat([gzipSync(Buffer.alloc(100)), Buffer.alloc(9)]),
    13,
  ],
  [
    "is cut",
    Buffer.concat([
      gzipSync(Buffer.alloc(100_000)).subarray(0, -10),
      Buffer.alloc(4),
    ]),
    13,
  ],
  ["is empty", Buffer.alloc(0), 13],
])("gzip that %s is refused, and takes no room", async (_, packed, code) => {
  const room = makeRoom(64 * mb);
  const { made, sizes, errors, ended } = unpacker({ room });
  made.add(packed, true);
  await ended();
  expect(sizes).toEqual([]);
  expect(errors).toMatchObject([{ code }]);
  expect(room.held).toBe(0);
});

test("of 1,000 bombs that stay in use, no more is unpacked than there is room, and small messages do not wait", async () => {
  const room = makeRoom(4 * mb);
  const use = Promise.withResolvers<void>();
  let most = 0;
  const bomb = gzipSync(Buffer.alloc(256 * kb));
  // Ten connections with 100 calls each.
  const bombs = Array.from({ length: 10 }, () => ({})).flatMap((owner) =>
    Array.from({ length: 100 }, () =>
      unpacker({
        room,
        owner,
        use() {
          most = Math.max(most, room.held);
          return use.promise;
        },
      }),
    ),
  );
  for (const { made } of bombs) made.add(bomb, true);
  const inUse = () => bombs.filter(({ sizes }) => sizes.length > 0).length;
  await waitFor("as many as there is room for", () => inUse() === 16);
  const small = unpacker({ room });
  small.made.add(gzipSync(Buffer.alloc(64 * kb)), true);
  await small.ended();
  expect(small.sizes).toEqual([64 * kb]);
  expect(inUse()).toBe(16);
  use.resolve();
  await Promise.all(bombs.map(({ ended }) => ended()));
  expect(inUse()).toBe(1000);
  expect(most).toBe(4 * mb);
  await waitFor("the room to be given back", () => room.held === 0);
});

test("a message that is used at once gives its room back, though the call goes on", async () => {
  const room = makeRoom(4 * mb);
  const stream = unpacker({ room });
  stream.made.add(gzipSync(Buffer.alloc(4 * mb)), true);
  await stream.ended();
  const other = unpacker({ room });
  other.made.add(gzipSync(Buffer.alloc(4 * mb)), true);
  await other.ended();
  expect(other.sizes).toEqual([4 * mb]);
});

test("a message that waits is given up with its call", async () => {
  const room = makeRoom(4 * mb);
  const owner = {};
  const large = gzipSync(Buffer.alloc(4 * mb));
  await room.take(owner, 4 * mb, new AbortController().signal);
  const calledOff = unpacker({ room });
  const next = unpacker({ room });
  calledOff.made.add(large, true);
  next.made.add(large, true);
  calledOff.made.close();
  await calledOff.ended();
  room.giveBack(owner, 4 * mb);
  await next.ended();
  expect(next.sizes).toEqual([4 * mb]);
  expect([calledOff.sizes, calledOff.errors]).toEqual([[], []]);
});

test("what throws while a message is used fails the call, and its room is given back", async () => {
  const room = makeRoom(4 * mb);
  const { made, errors, ended } = unpacker({
    room,
    use() {
      throw new Error("not so");
    },
  });
  made.add(gzipSync(Buffer.alloc(4 * mb)), true);
  await ended();
  expect(errors).toMatchObject([{ message: "not so" }]);
  await waitFor("the room to be given back", () => room.held === 0);
});
