/** Commands of both platforms have flags that count on one of them only. */
import type { FlagTable } from "../command.ts";
import type { Io } from "../io.ts";

/** Names those of `flags` that are given but belong to the other platform; `needs` is what they need, such as `-k`. */
export function sayMisplaced(
  given: ReadonlySet<string>,
  flags: FlagTable,
  needs: string,
  io: Io,
): void {
  const names = Object.keys(flags).filter((name) => given.has(name));
  if (names.length > 0)
    io.status(
      "warning",
      `Without effect ${needs}: ${names.map((name) => `--${name}`).join(", ")}`,
    );
}
