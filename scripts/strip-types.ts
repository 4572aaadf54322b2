/** Makes JavaScript of an app's TypeScript as a person would: without the types, and nothing else changed. */
import { stripTypeScriptTypes } from "node:module";

/** Node puts blanks in the place of types, so what differs is a type. Lines that held nothing else go too. */
export function withoutTypes(source: string): string {
  const blanked = blankTypes(source);
  const lines = source.split("\n");
  const kept = blanked.split("\n").flatMap((line, n) => {
    const was = lines[n] ?? "";
    const now = withoutBlanked(was, line);
    return now.trim() === "" && was.trim() !== "" ? [] : [now];
  });
  return kept
    .join("\n")
    .replace(/^\n+/, "")
    .replace(/\n{3,}/g, "\n\n")
    .replace(/((?:from|import)\s+"\.[^"\n]*)\.ts"/g, '$1.js"');
}

/** A line without what Node has blanked: from the first character that is gone to the last one, each time. */
function withoutBlanked(was: string, now: string): string {
  let text = "";
  for (let at = 0; at < was.length;) {
    if (was[at] === now[at]) {
      text += was[at++];
      continue;
    }
    // Blanks inside a type are the same before and after.
    while (at < was.length && (was[at] !== now[at] || was[at] === " ")) at++;
    text = joined(text, was[at - 1] === " ", was[at] ?? "");
  }
  return text.trimEnd();
}

/** The text before a type, ready for the character behind it: `const a: A = 1`, `b as B;`, `{ c, type D }`. */
function joined(text: string, hadBlank: boolean, next: string): string {
  if (/[),;]/.test(next)) return text.trimEnd();
  if (next === "}" && text.endsWith(", ")) return `${text.slice(0, -2)} `;
  return hadBlank && !text.endsWith(" ") ? `${text} ` : text;
}

/** Node warns at each start that this may change; its result is compared with the source above. */
function blankTypes(source: string): string {
  const { emitWarning } = process;
  process.emitWarning = () => {};
  try {
    return stripTypeScriptTypes(source, { mode: "strip" });
  } finally {
    process.emitWarning = emitWarning;
  }
}
