import { createPlaces } from "./places.ts";

test("as many as there are places, the rest in their order", async () => {
  const places = createPlaces(2)!;
  const order: number[] = [];
  const [first] = await Promise.all([places.take(), places.take()]);
  const third = places.take().then((release) => {
    order.push(3);
    return release;
  });
  const fourth = places.take().then(() => order.push(4));
  await Promise.resolve();
  expect(order).toEqual([]);
  first();
  first(); // twice is once
  const release = await third;
  expect(order).toEqual([3]);
  release();
  await fourth;
  expect(order).toEqual([3, 4]);
});

test("whoever stops waiting leaves no gap", async () => {
  const places = createPlaces(1)!;
  const release = await places.take();
  const gone = new AbortController();
  const second = places.take(gone.signal);
  const third = places.take();
  gone.abort(new Error("gone"));
  await expect(second).rejects.toThrow("gone");
  release();
  (await third)();
  (await places.take())();
  await expect(places.take(gone.signal)).rejects.toThrow("gone");
});

test("no limit, no places", () => {
  expect(createPlaces(0)).toBeUndefined();
  expect(createPlaces(-1)).toBeUndefined();
});
