/** Calls `one` with 0 … count-1, so many at a time. */
export async function inParallel(
  count: number,
  atATime: number,
  one: (index: number) => Promise<void>,
): Promise<void> {
  let next = 0;
  const worker = async () => {
    while (next < count) await one(next++);
  };
  await Promise.all(Array.from({ length: atATime }, worker));
}
