/**
 * The sidecar's entry. What V8 compiled is kept beside the bundle, so that the
 * next start need not compile it again; only modules loaded after this line are.
 */
import { enableCompileCache } from "node:module";
import { join } from "node:path";
import { hasLimits, limitEnv, nodeLimits } from "./node-limits.ts";

if (!hasLimits())
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
if (import.meta.filename.endsWith(".js"))
  enableCompileCache(join(import.meta.dirname, ".compile-cache"));
await import("./daprd-main.ts");
