/** A place in a YAML file. */

/** Where something was written: `components/kafka.yaml:12:5` (1-based). */
export interface Position {
  /** The place of something that is in a cluster and not in a file: `component orders, spec.metadata[0]`, with line and column 0. */
  file: string;
  line: number;
  column: number;
}

/** `file:line:column`, or nothing. */
export function where(at: Position | undefined): string {
  if (!at) return "";
  return at.line > 0 ? `${at.file}:${at.line}:${at.column}` : at.file;
}
