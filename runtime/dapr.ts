/** The CLI's entry: argv in, exit code out. */
import { main } from "./cli/main.ts";

const code = await main(process.argv.slice(2));
// Once all is written, and even if something the app started in a session of its own still holds our pipes.
process.stdout.write("", () => process.exit(code));
