import { Room } from "./room.ts";

const hour = 3_600_000;
const makeRoom = (bytes: number, maxWaitMs = hour) =>
  new Room({ bytes, maxWaitMs, onMaxWait: () => new Error("too long") });

/** Of some takers, those that got in, in order. */
function takers(room: Room) {
  const entered: string[] = [];
  const failed: string[] = [];
  const take = (
    name: string,
    owner: object,
    bytes: number,
    signal = new AbortController().signal,
  ) =>
    room.take(owner, bytes, signal).then(
      () => void entered.push(name),
      (error: Error) => void failed.push(`${name}: ${error.message}`),
    );
  return { entered, failed, take };
}
/** All that can go on has gone on. */
const settled = () => new Promise((resolve) => setImmediate(resolve));

test("one owner leaves as much as it holds, in how little bytes ever", async () => {
  const room = makeRoom(64);
  const { entered, take } = takers(room);
  const [greedy, other] = [{}, {}];
  for (let i = 0; i < 1000; i++) void take(`greedy ${i}`, greedy, 4);
  await settled();
  expect(room.held).toBe(32);
  expect(entered).toHaveLength(8);
  for (let i = 0; i < 1000; i++) void take(`other ${i}`, other, 4);
  await settled();
  expect(room.held).toBe(48);
  for (let i = 0; i < 1000; i++) {
    // Never more, however many come and go.
    room.giveBack(i % 3 === 0 ? other : greedy, 4);
    await settled();
    expect(room.held).toBeLessThanOrEqual(64);
    if (entered.length === 2000) break;
  }
});

test("owners take turns, and each one's own are served in order", async () => {
  const room = makeRoom(10);
  const { entered, take } = takers(room);
  const [first, a, b] = [{}, {}, {}];
  await take("first", first, 10);
  for (const name of ["a1", "a2", "a3"]) void take(name, a, 10);
  for (const name of ["b1", "b2"]) void take(name, b, 10);
  for (const owner of [first, a, b, a, b]) {
    room.giveBack(owner, 10);
    await settled();
  }
  expect(entered).toEqual(["first", "a1", "b1", "a2", "b2", "a3"]);
});

test("a large one is not passed by for ever by smaller ones", async () => {
  const room = makeRoom(10);
  const { entered, take } = takers(room);
  const owners = Array.from({ length: 4 }, () => ({}));
  void take("one", owners[0]!, 6);
  void take("large", owners[1]!, 8);
  void take("small", owners[2]!, 2);
  await settled();
  expect(entered).toEqual(["one"]);
  room.giveBack(owners[0]!, 6);
  await settled();
  expect(entered).toEqual(["one", "large", "small"]);
});

test("what is larger than all room gets it alone", async () => {
  const room = makeRoom(10);
  const { entered, take } = takers(room);
  const [a, b, c] = [{}, {}, {}];
  void take("small", a, 1);
  void take("huge", b, 1000);
  void take("later", c, 1);
  await settled();
  expect(entered).toEqual(["small"]);
  room.giveBack(a, 1);
  await settled();
  expect(entered).toEqual(["small", "huge"]);
  room.giveBack(b, 1000);
  await settled();
  expect(entered).toEqual(["small", "huge", "later"]);
});

test("who is aborted leaves the line, and nobody waits behind it any more", async () => {
  const room = makeRoom(10);
  const { entered, failed, take } = takers(room);
  const gone = new AbortController();
  void take("one", {}, 6);
  void take("large", {}, 8, gone.signal);
  void take("small", {}, 2);
  await settled();
  expect(entered).toEqual(["one"]);
  gone.abort(new Error("called off"));
  void take("never", {}, 1, gone.signal);
  await settled();
  expect(entered).toEqual(["one", "small"]);
  expect(failed).toEqual(["large: called off", "never: called off"]);
  expect(room.held).toBe(8);
});

test("a wait ends", async () => {
  const room = makeRoom(10, 1);
  const signal = new AbortController().signal;
  await room.take({}, 10, signal);
  await expect(room.take({}, 10, signal)).rejects.toThrow("too long");
  expect(room.held).toBe(10);
});
