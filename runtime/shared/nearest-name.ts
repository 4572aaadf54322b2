/** What a misspelt name was meant to be. */

/** The one of `names`, in any case, that `word` is most likely a slip of; none if all are too far. */
export function nearestName(
  word: string,
  names: readonly string[],
): string | undefined {
  const folded = word.toLowerCase();
  let most = folded.length < 4 ? 1 : folded.length < 9 ? 2 : 3;
  let found: string | undefined;
  for (const name of names) {
    // A word that is too long can't be near, and is not compared.
    if (Math.abs(name.length - folded.length) > most) continue;
    const edits = editDistance(folded, name.toLowerCase());
    if (edits > most || (found !== undefined && edits === most)) continue;
    found = name;
    most = edits;
  }
  return found;
}

/** The candidate within two edits of a word, however short; the first of the nearest. */
export function nearest(
  word: string,
  candidates: readonly string[],
): string | undefined {
  return candidates
    .map((name) => ({ name, edits: editDistance(word, name) }))
    .filter(({ edits }) => edits <= 2)
    .sort((a, b) => a.edits - b.edits)[0]?.name;
}

/** Levenshtein distance. */
export function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++)
      next[j] = Math.min(
        row[j]! + 1,
        next[j - 1]! + 1,
        row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1),
      );
    row = next;
  }
  return row[b.length]!;
}

/** A name as a message quotes it, shortened so that nobody's text fills the log. */
export const short = (name: string): string =>
  /^[\w./-]{1,60}$/.test(name) ? name : JSON.stringify(name.slice(0, 60));
