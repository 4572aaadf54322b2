/** What the system has to start for a command: Windows starts scripts (.cmd, .bat: npm among them) only by its command processor. */

export interface Program {
  file: string;
  args: readonly string[];
  /** The arguments are written as the command processor reads them: Node must not quote them again. */
  windowsVerbatimArguments?: true;
}

/** `file` is the command's own file, as it was looked up. */
export function programOf(
  file: string,
  args: readonly string[],
  platform = process.platform,
  processor = process.env["ComSpec"] || "cmd.exe",
): Program {
  if (platform !== "win32" || !/\.(cmd|bat)$/i.test(file))
    return { file, args };
  const line = [`"${file}"`, ...args.map((arg) => twiceEscaped(quoted(arg)))];
  return {
    file: processor,
    // With /s it takes off the outer quotes, and no others.
    args: ["/d", "/s", "/c", `"${line.join(" ")}"`],
    windowsVerbatimArguments: true,
  };
}

/** In quotes, as Windows programs split their command line: backslashes count double before a quote. */
function quoted(arg: string): string {
  return `"${arg.split('"').map(withDoubledTail).join('\\"')}"`;
}

function withDoubledTail(part: string): string {
  let count = 0;
  while (part.at(-1 - count) === "\\") count++;
  return part + "\\".repeat(count);
}

/** The command processor takes these as they are after a caret, even in quotes: they are escaped too. */
const escaped = (text: string) => text.replace(/[()[\]%!^"`<>&|;, *?]/g, "^$&");

/** A script hands its arguments on as `%*`, and what it hands on is read once more. */
const twiceEscaped = (text: string) => escaped(escaped(text));
