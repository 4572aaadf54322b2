/** Reads command line options strictly. The error about an unknown one says what to type. */
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
    // Node's message continues with advice for programmers.
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
 * npm keeps options before `--` for itself and sets npm_config_NAME. For `--name=value`
 * it is set to the value. For `--name value` it is set to `true`, and the value is passed on as a
 * word. (No script has an option that npm has too, since npm does not pass those on at all.)
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
  // Words come before options, so the last words are the options' values.
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

/** npm_config_NAME that npm sets for every script. */
const npmSets = ["prefix"];

/** Ends the process after a mistake of the user's: one line, no stack. */
export function fail(message: string): never {
  console.error(message);
  process.exit(1);
}
