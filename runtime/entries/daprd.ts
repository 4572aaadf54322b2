/**
 * The sidecar's entry. As shipped, it begins with its memory limits, and keeps
 * what V8 compiled beside the bundle: the next start need not compile it again.
 */
import { enableCompileCache } from "node:module";
import { join } from "node:path";
import { whyNotExtraAuthorities } from "../shared/process/extra-authorities.ts";
import {
  hasLimits,
  limitEnv,
  nodeLimits,
} from "../shared/process/node-limits.ts";

/** It only says something: the limits are not worth a second start. */
const isQuestion = /^--?(version|build-info|help|h)$/.test(
  process.argv[2] ?? "",
);

// From source, in a debugger, it stays the process it is.
if (import.meta.filename.endsWith(".js")) {
  if (!isQuestion && !hasLimits())
    process.execve!(
      process.execPath,
      [
        process.execPath,
        ...nodeLimits,
        ...process.execArgv,
        ...process.argv.slice(1),
      ],
      { ...process.env, ...limitEnv },
    );
  enableCompileCache(join(import.meta.dirname, ".compile-cache"));
}
const problem = whyNotExtraAuthorities();
if (problem) {
  console.error(`daprd: ${problem}`);
  process.exitCode = 1;
} else {
  const { main } = await import("./daprd-main.ts");
  await main(process.argv.slice(2));
}
