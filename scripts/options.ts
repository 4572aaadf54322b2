/** Strict command line options: an unknown one is an error that names the way out. */
import { parseArgs, type ParseArgsOptionsConfig } from "node:util";

export function parseOptions<T extends ParseArgsOptionsConfig>(
  script: string,
  usage: string,
  options: T,
  allowPositionals = false,
) {
  const withDashes = missingDashes(script, options, allowPositionals);
  if (withDashes) fail(withDashes);
  try {
    const parsed = parseArgs({
      options: { ...options, help: { type: "boolean", short: "h" } },
      allowPositionals,
    });
    if (!(parsed.values as { help?: boolean }).help) return parsed;
    console.log(usage);
    process.exit(0);
  } catch (error) {
    // Node adds lines of advice on its own syntax.
    const [line = ""] = (error as Error).message.split("\n");
    const reason = line
      .split(". ")[0]
      ?.replace(/\.$/, "")
      .replace(
        "argument is ambiguous",
        "needs a value that does not begin with '-'",
      );
    fail(`${reason}. \`npm run ${script} -- --help\` lists the options.`);
  }
}

/**
 * npm keeps options before `--` for itself: it sets npm_config_NAME, to `true`
 * where a blank stood before the value, and hands that on as a word.
 * (No script has an option that is npm's own as well: of those it tells nobody.)
 */
export function missingDashes(
  script: string,
  options: ParseArgsOptionsConfig,
  allowPositionals = false,
  words: readonly string[] = process.argv.slice(2),
  env: NodeJS.ProcessEnv = process.env,
): string | undefined {
  const isKept = (name: string) =>
    env[configOf(name)] !== undefined && !npmSets.includes(name);
  const free = [...words];
  // A usage has its words before its options: the last ones are values.
  const values = Object.entries(options).filter(
    ([name, { type }]) =>
      type === "string" && isKept(name) && env[configOf(name)] === "true",
  ).length;
  const before = allowPositionals
    ? free.splice(0, Math.max(0, free.length - values))
    : [];
  const kept = Object.entries(options).flatMap(([name, { type }]) => {
    if (!isKept(name)) return [];
    const given = env[configOf(name)];
    if (type === "boolean") return [`--${name}`];
    return [
      `--${name} ${given === "true" ? (free.shift() ?? "VALUE") : given}`,
    ];
  });
  if (kept.length === 0) return undefined;
  const command = script === "test" ? "npm test" : `npm run ${script}`;
  return `npm kept ${kept.length > 1 ? "these options" : "this option"} for itself: type \`${command} -- ${[...before, ...kept, ...free].join(" ")}\` (with \`--\` before the options).`;
}

const configOf = (name: string) => `npm_config_${name.replaceAll("-", "_")}`;

/** npm sets these for every script. */
const npmSets = ["prefix"];

/** A mistake of the user's: one line, no stack. */
export function fail(message: string): never {
  console.error(message);
  process.exit(1);
}
