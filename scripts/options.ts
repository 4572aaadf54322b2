/** Strict command line options: an unknown one is an error that names the way out. */
import { parseArgs, type ParseArgsOptionsConfig } from "node:util";

export function parseOptions<T extends ParseArgsOptionsConfig>(
  script: string,
  usage: string,
  options: T,
  allowPositionals = false,
) {
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

/** A mistake of the user's: one line, no stack. */
export function fail(message: string): never {
  console.error(message);
  process.exit(1);
}
