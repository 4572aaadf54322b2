/** The list of commands, in the order the help shows them. */
import type { Command } from "./command.ts";
import { invoke } from "./invoke.ts";
import { annotate } from "./kubernetes/annotate.ts";
import { components } from "./kubernetes/components.ts";
import { configurations } from "./kubernetes/configurations.ts";
import { logs } from "./kubernetes/logs.ts";
import { status } from "./kubernetes/status.ts";
import { list } from "./list.ts";
import { run } from "./run.ts";
import { stop } from "./stop.ts";
import { version } from "./version.ts";

export const commands: readonly Command[] = [
  run,
  stop,
  list,
  invoke,
  status,
  components,
  configurations,
  logs,
  annotate,
  version,
];
