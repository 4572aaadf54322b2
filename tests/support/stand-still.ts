/** Waits until something is held up: until a count has begun to grow and then grows no more. */
import { waitFor } from "../wait-for.ts";

const stillMs = 100;

/** Resolves with the final count. */
export async function untilStill(
  what: string,
  count: () => number,
): Promise<number> {
  let before = -1;
  await waitFor(`${what} to stop`, async () => {
    const isStill = count() > 0 && count() === before;
    before = count();
    await new Promise((resolve) => setTimeout(resolve, stillMs));
    return isStill;
  });
  return before;
}
