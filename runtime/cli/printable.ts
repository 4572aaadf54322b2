/** Text of others (app IDs, commands, answers, errors of servers) for a terminal. */

/**
 * Control characters, and those that turn the direction of text, as `\\u001b`:
 * they could rewrite what the terminal shows. Line ends and tabs stay.
 */
export function printable(text: string): string {
  return (
    text
      .replaceAll("\r\n", "\n")
      // oxlint-disable-next-line no-control-regex -- they are what is looked for
      .replace(
        /[\0-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]/g,
        (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`,
      )
  );
}
