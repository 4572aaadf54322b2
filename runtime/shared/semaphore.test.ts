import { createSemaphore } from "./semaphore.ts";

test("as many as it allows at a time, the rest in their order", async () => {
  const semaphore = createSemaphore(2)!;
  const order: number[] = [];
  const [first] = await Promise.all([semaphore.acquire(), semaphore.acquire()]);
  const third = semaphore.acquire().then((release) => {
    order.push(3);
    return release;
  });
  const fourth = semaphore.acquire().then(() => order.push(4));
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
  const semaphore = createSemaphore(1)!;
  const release = await semaphore.acquire();
  const gone = new AbortController();
  const second = semaphore.acquire(gone.signal);
  const third = semaphore.acquire();
  gone.abort(new Error("gone"));
  await expect(second).rejects.toThrow("gone");
  release();
  (await third)();
  (await semaphore.acquire())();
  await expect(semaphore.acquire(gone.signal)).rejects.toThrow("gone");
});

test("no limit, no semaphore", () => {
  expect(createSemaphore(0)).toBeUndefined();
  expect(createSemaphore(-1)).toBeUndefined();
});
