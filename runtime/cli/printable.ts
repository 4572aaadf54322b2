/** Text of others (app IDs, commands, answers, errors of servers) for a terminal. */

/**
 * Control characters, and those that turn the direction of text, as `\u001b`:
 * they could rewrite what the terminal shows. Line ends and tabs stay.
 */
export function printable(text: string): string {
  return text
    .replaceAll("\r\n", "\n")
    .replace(
      /(?![\n\t])[\p{Cc}\u202a-\u202e\u2066-\u2069]/gu,
      (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`,
    );
}
