/**
 * Puts together what is asked for while a call is under way: so many things at
 * most are done by one call. Each asker has the outcome of its call.
 */
export function inBatches<T>(
  most: number,
  call: (some: T[]) => Promise<void>,
): (one: T) => Promise<void> {
  let gathering: { some: T[]; done: Promise<void> } | undefined;
  let last: Promise<unknown> = Promise.resolve();
  return (one) => {
    if (!gathering || gathering.some.length >= most) {
      const some: T[] = [];
      const done = last.then(() => {
        if (gathering?.some === some) gathering = undefined;
        return call(some);
      });
      last = done.catch(() => {}); // each asker has it
      gathering = { some, done };
    }
    gathering.some.push(one);
    return gathering.done;
  };
}
