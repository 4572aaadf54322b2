/** Every regular expression of the shipped code takes time in proportion to its text, whatever that is. */
import { readFileSync } from "node:fs";
import { parseSync } from "@swc/core";
import { check, type AttackPattern } from "recheck";
import { sources } from "./support/sources.ts";

interface Pattern {
  file: string;
  pattern: string;
  flags: string;
}

/** Made while running, of these parts; each is told apart by its file. */
const made: Record<string, string> = {
  "runtime/components/bindings/kafka/metadata.ts":
    "excludeHeaderMetaRegex: whoever configures the component writes it",
  "runtime/components/state/postgresql/dialect.ts":
    "two constants, in the test below",
  "runtime/contracts/hide-secrets.ts": "a literal text that is escaped",
  "runtime/kubernetes/injector/mutate.ts":
    "a name of a service account, which has 253 characters at most",
};

/** Literals, and the files that make expressions of other text. */
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

/** What can't be repeated without end is done with each place at once. */
const mayBeSlow = ({ pattern }: Pattern) => /[*+]|\{\d+,/.test(pattern);

async function verdict({ pattern, flags }: Pattern): Promise<string> {
  const found = await check(pattern, flags, { timeout: 60_000 });
  if (found.status === "safe") return "linear";
  if (found.status === "unknown") return `not decided: ${found.error.kind}`;
  // A polynomial found by trying is a guess, and is tried here.
  const isGuess =
    found.checker === "fuzz" && found.complexity.type === "polynomial";
  return isGuess && !isSlow(new RegExp(pattern, flags), found.attack)
    ? "linear"
    : `${found.complexity.summary} on ${found.attack.pattern.slice(0, 100)}`;
}

/** Of so many characters a linear expression takes 1 ms or 2, a quadratic one seconds. */
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

const files = ["runtime", "nodeapp", "producerapp"].flatMap(sources);
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
])("the check tells %s by its growth", async (pattern, flags, expected) => {
  const literal = `text.replace(/${pattern}/${flags}, "")`;
  const [only] = patternsIn("f.ts", literal).literals;
  expect(await verdict(only!)).toMatch(new RegExp(`^${expected}`));
});

test("expressions made of text are made in known places only", () => {
  const makers = found.filter(({ makes }) => makes).map(({ file }) => file);
  expect(makers.toSorted()).toEqual(Object.keys(made).toSorted());
});

test("each takes linear time", async () => {
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
