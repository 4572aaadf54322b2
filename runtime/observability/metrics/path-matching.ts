/**
 * `spec.metrics.http.pathMatching`: which of the patterns a path has, as Go's ServeMux
 * matches (https://pkg.go.dev/net/http#hdr-Patterns-ServeMux): `{id}` is one segment, `{rest...}` or a
 * slash at the end any rest; of two that match the more literal one counts.
 */
export function createPathMatcher(
  patterns: readonly string[],
): (path: string) => string | undefined {
  const compiled = [...new Set(patterns)]
    .map(compile)
    .sort((a, b) => compareLiteral(a.segments, b.segments));
  return (path) => {
    const segments = segmentsOf(path);
    return compiled.find((pattern) => matches(pattern, segments))?.text;
  };
}

interface Pattern {
  text: string;
  /** Undefined is any one segment. */
  segments: (string | undefined)[];
  isOpen: boolean;
}

const segmentsOf = (path: string) => path.replace(/^\//, "").split("/");

function compile(text: string): Pattern {
  const all = segmentsOf(text);
  const last = all.at(-1)!;
  const isOpen = last === "" || /^\{\w*\.\.\.\}$/.test(last);
  const fixed = isOpen ? all.slice(0, -1) : all;
  return {
    text,
    isOpen,
    segments: fixed.map((part) => (/^\{\w*\}$/.test(part) ? undefined : part)),
  };
}

const matches = ({ segments, isOpen }: Pattern, actual: string[]) =>
  (isOpen
    ? actual.length > segments.length
    : actual.length === segments.length) &&
  segments.every((part, i) =>
    part === undefined ? actual[i] !== "" : part === actual[i],
  );

function compareLiteral(a: Pattern["segments"], b: Pattern["segments"]) {
  for (let i = 0; i < Math.max(a.length, b.length); i++) {
    const rank = rankOf(a, i) - rankOf(b, i);
    if (rank !== 0) return rank;
  }
  return 0;
}

/** A literal before a wildcard before the end. */
const rankOf = (segments: Pattern["segments"], i: number) =>
  i >= segments.length ? 2 : segments[i] === undefined ? 1 : 0;
