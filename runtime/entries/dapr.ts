/** The CLI's entry: argv in, exit code out. */
import { main } from "../cli/main.ts";
import { exitSoon } from "../shared/process/exit.ts";
import { whyNotExtraAuthorities } from "../shared/process/extra-authorities.ts";

// Output that can't be written doesn't end a command: see below, and `dapr run` in cli/ending.ts.
for (const stream of [process.stdout, process.stderr])
  stream.on("error", () => {});

const problem = whyNotExtraAuthorities();
if (problem) console.error(problem);
const code = problem ? 1 : await main(process.argv.slice(2));
// Ends once all is written, even if a process that the app started in its own session still holds our pipes.
process.stdout.write("", () => {
  const lost = process.stdout.errored as NodeJS.ErrnoException | null;
  // Whoever read our output has gone (`| head`, a closed terminal), which is no error.
  if (!lost || lost.code === "EPIPE" || lost.code === "EIO")
    return exitSoon(code);
  console.error(`the output could not be written: ${lost.message}`);
  exitSoon(code || 1);
});
