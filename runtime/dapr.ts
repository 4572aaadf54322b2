/** The CLI's entry: argv in, exit code out. */
import { main } from "./cli/main.ts";
import { exitSoon } from "./exit.ts";

const code = await main(process.argv.slice(2));
// Once all is written, and even if something the app started in a session of its own still holds our pipes.
process.stdout.write("", () => exitSoon(code));
