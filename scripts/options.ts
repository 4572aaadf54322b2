/** Strict command line options: an unknown one is an error that names the way out. */
import { parseArgs, type ParseArgsOptionsConfig } from "node:util";

export function parseOptions<T extends ParseArgsOptionsConfig>(
  script: string,
  usage: string,
  options: T,
  allowPositionals = false,
) {
  const withDashes = missingDashes(script, options);
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
 * where a blank stood before the value, and hands that on as a word. (Of
 * `--only`, which is npm's own as well, it tells nobody.)
 */
export function missingDashes(
  script: string,
  options: ParseArgsOptionsConfig,
  words: readonly string[] = process.argv.slice(2),
  env: NodeJS.ProcessEnv = process.env,
): string | undefined {
  const free = [...words];
  const kept = Object.entries(options).flatMap(([name, { type }]) => {
    const given = env[`npm_config_${name.replaceAll("-", "_")}`];
    if (given === undefined || npmSets.includes(name)) return [];
    if (type === "boolean") return [`--${name}`];
    return [
      `--${name} ${given === "true" ? (free.shift() ?? "VALUE") : given}`,
    ];
  });
  if (kept.length === 0) return undefined;
  const command = script === "test" ? "npm test" : `npm run ${script}`;
  return `npm kept ${kept.length > 1 ? "these options" : "this option"} for itself: type \`${command} -- ${[...kept, ...free].join(" ")}\` (with \`--\` before the options).`;
}

/** npm sets these for every script. */
const npmSets = ["prefix"];

/** A mistake of the user's: one line, no stack. */
export function fail(message: string): never {
  console.error(message);
  process.exit(1);
}
