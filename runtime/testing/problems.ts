/** What a sidecar's log says of why it did not start or end well. */

/** A line of the log in text form. */
const line = /^time="[^"]*" level=(\w+) msg=("(?:[^"\\]|\\.)*")/;
const opening = "Fatal error from runtime: ";

/** The messages of these levels, each once; lines that are not of the log, such as those of Node, count as errors. */
export function problems(
  logs: readonly string[],
  ...levels: ("warning" | "error" | "fatal")[]
): string[] {
  const found = logs.flatMap((text) => {
    const [, level, message] = line.exec(text) ?? [];
    if (message === undefined) return text.trim() === "" ? [] : [text];
    if (!(levels as string[]).includes(level!)) return [];
    const said = JSON.parse(message) as string;
    return [said.startsWith(opening) ? said.slice(opening.length) : said];
  });
  return [...new Set(found)];
}
