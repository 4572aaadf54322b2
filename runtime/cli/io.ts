/** What the user sees: plain lines and Dapr's status lines (glyph, two spaces, text), or JSON events. */
import { printable } from "./printable.ts";

const glyphs = {
  success: "✅",
  failure: "❌",
  warning: "⚠",
  pending: "⌛",
  info: "ℹ️",
} as const;

export type Status = keyof typeof glyphs;

export interface Io {
  out(line: string): void;
  err(line: string): void;
  /** A status line: failures go to stderr, unless the original prints that one on stdout; the rest goes to stdout. */
  status(status: Status, message: string, on?: "stdout"): void;
  /** Colours are for terminals only. */
  colour: boolean;
}

interface Sink {
  write(text: string): unknown;
  isTTY?: boolean;
}

export function createIo(
  options: { json: boolean },
  stdout: Sink = process.stdout,
  stderr: Sink = process.stderr,
): Io {
  const io: Io = {
    out: (line) => void stdout.write(`${line}\n`),
    err: (line) => void stderr.write(`${line}\n`),
    status(status, message, on) {
      const line = options.json
        ? jsonEvent(status, message)
        : statusLine(status, message);
      if (status === "failure" && on !== "stdout") io.err(line);
      else io.out(line);
    },
    colour: stdout.isTTY === true && !process.env["NO_COLOR"],
  };
  return io;
}

export function statusLine(status: Status, message: string): string {
  // Older Windows consoles cannot show the glyphs; the original leaves them out there too.
  return process.platform === "win32"
    ? printable(message)
    : `${glyphs[status]}  ${printable(message)}`;
}

function jsonEvent(status: Status, message: string): string {
  return printable(
    JSON.stringify({ time: new Date().toISOString(), status, msg: message }),
  );
}
