/** Every regular expression of the shipped code takes linear time, whatever the text. */
import { readFileSync } from "node:fs";
import { parseSync } from "@swc/core";
import { check, type AttackPattern } from "recheck";
import { sources } from "./support/sources.ts";

interface Pattern {
  file: string;
  pattern: string;
  flags: string;
}

/** The expressions that are made at run time, by file, and of what. */
const made: Record<string, string> = {
  "runtime/components/clients/kafka/settings.ts":
    "excludeHeaderMetaRegex: whoever configures the component writes it",
  "runtime/components/state/postgresql/dialect.ts":
    "two constants, in the test below",
  "runtime/contracts/hide-secrets.ts": "a literal text that is escaped",
  "runtime/kubernetes/injector/mutate.ts":
    "a name of a service account, which has 253 characters at most",
};

/** The regular expressions in a file, and whether it makes others at run time. */
function patternsIn(file: string, text: string) {
  const literals: Pattern[] = [];
  let makes = false;
  const visit = (node: unknown) => {
    if (Array.isArray(node)) node.forEach(visit);
    else if (typeof node === "object" && node !== null) {
      const { type, ...rest } = node as Record<string, unknown>;
      if (type === "RegExpLiteral") {
        const { pattern, flags } = rest as unknown as Pattern;
        literals.push({ file, pattern, flags });
      }
      const callee = rest["callee"] as { value?: string } | undefined;
      if (callee?.value === "RegExp") makes = true;
      Object.values(rest).forEach(visit);
    }
  };
  visit(parseSync(text, { syntax: "typescript", target: "es2024" }).body);
  return { literals, makes };
}

/** Only an expression with unlimited repetition may be slow. */
const mayBeSlow = ({ pattern }: Pattern) => /[*+]|\{\d+,/.test(pattern);

async function verdict({ pattern, flags }: Pattern): Promise<string> {
  const found = await check(pattern, flags, { timeout: 60_000 });
  if (found.status === "safe") return "linear";
  if (found.status === "unknown") return `not decided: ${found.error.kind}`;
  // A polynomial that the checker found by fuzzing is a guess, which is tried here.
  const isGuess =
    found.checker === "fuzz" && found.complexity.type === "polynomial";
  return isGuess && !isSlow(new RegExp(pattern, flags), found.attack)
    ? "linear"
    : `${found.complexity.summary} on ${found.attack.pattern.slice(0, 100)}`;
}

/** With so many characters a linear expression takes 1 or 2 ms, a quadratic one seconds. */
const triedLength = 100_000;
const slowMs = 100;

function isSlow(expression: RegExp, { pumps, suffix }: AttackPattern): boolean {
  const pumped = pumps.reduce((sum, { pump }) => sum + pump.length, 0);
  const times = Math.ceil(triedLength / pumped);
  const text =
    pumps.map(({ prefix, pump }) => prefix + pump.repeat(times)).join("") +
    suffix;
  const before = process.cpuUsage();
  text.replace(expression, "");
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000 > slowMs;
}

const files = [
  "runtime",
  "nodeapp",
  "producerapp",
  "tutorials/pub-sub/apps",
].flatMap(sources);
const found = files.map((file) => ({
  file,
  ...patternsIn(file, readFileSync(file, "utf8")),
}));

test.each([
  ["^(\\s|#.*)*$", "", "exponential"],
  ["\\/+$", "", "2nd degree polynomial"],
  ["\\s*,\\s*", "", "2nd degree polynomial"],
  ["(?=a)\\s*,\\s*|\\s+$", "", "2nd degree polynomial"],
  ["^[a-z]+$", "i", "linear"],
])(
  "the check recognises %s by its growth",
  async (pattern, flags, expected) => {
    const literal = `text.replace(/${pattern}/${flags}, "")`;
    const [only] = patternsIn("f.ts", literal).literals;
    expect(await verdict(only!)).toMatch(new RegExp(`^${expected}`));
  },
);

test("expressions are made at run time only in the files listed above", () => {
  const makers = found.filter(({ makes }) => makes).map(({ file }) => file);
  expect(makers.toSorted()).toEqual(Object.keys(made).toSorted());
});

test("each expression takes linear time", async () => {
  const literals = found.flatMap(({ literals }) => literals).filter(mayBeSlow);
  expect(literals.length).toBeGreaterThan(100);
  const slow: string[] = [];
  const known = new Map<string, string>();
  for (const literal of literals) {
    const text = `/${literal.pattern}/${literal.flags}`;
    if (!known.has(text)) known.set(text, await verdict(literal));
    const growth = known.get(text)!;
    if (growth !== "linear") slow.push(`${literal.file}: ${text}: ${growth}`);
  }
  expect(slow).toEqual([]);
});
