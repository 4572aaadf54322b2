/** Compares what a caller gives with the token that it should, in a time that tells nothing of how much was right. */
import { createHash, timingSafeEqual } from "node:crypto";

export function createTokenCheck(
  token: string,
): (given: string | undefined) => boolean {
  const digest = (text: string) => createHash("sha256").update(text).digest();
  const expected = digest(token);
  return (given = "") => timingSafeEqual(digest(given), expected);
}
