/** Waits for what is held up: a count that has begun and does not grow any more. */
import { waitFor } from "../wait-for.ts";

const stillMs = 100;

/** Resolves with the count. */
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
