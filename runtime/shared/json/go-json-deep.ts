/**
 * Writes JSON that is nested deeper than a thread's stack allows, without
 * recursion and with sorted keys. `leaf` writes a value that holds no others; it
 * gives undefined for an array or an object.
 */
export function writeDeep(
  value: unknown,
  leaf: (value: unknown) => string | undefined,
): string {
  let text = "";
  /** Arrays and objects that are begun; the innermost is the last. */
  const open: {
    parts: [before: string, part: unknown][];
    next: number;
    end: string;
  }[] = [];
  const begin = (one: unknown) => {
    const short = leaf(one);
    if (short !== undefined) {
      text += short;
      return;
    }
    const isList = Array.isArray(one);
    text += isList ? "[" : "{";
    open.push({
      parts: partsOf(one as object),
      next: 0,
      end: isList ? "]" : "}",
    });
  };
  begin(value);
  for (let inner = open.at(-1); inner; inner = open.at(-1)) {
    const part = inner.parts[inner.next++];
    if (!part) {
      text += inner.end;
      open.pop();
      continue;
    }
    text += part[0];
    begin(part[1]);
  }
  return text;
}

/** The members, each with the text before it. */
function partsOf(one: object): [before: string, part: unknown][] {
  const comma = (index: number) => (index === 0 ? "" : ",");
  return Array.isArray(one)
    ? one.map((part: unknown, i) => [comma(i), part])
    : Object.keys(one)
        .sort()
        .map((key, i) => [
          `${comma(i)}${JSON.stringify(key)}:`,
          (one as Record<string, unknown>)[key],
        ]);
}
