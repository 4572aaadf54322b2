/** The list of commands, in the order the help shows them. */
import type { Command } from "./command.ts";
import { invoke } from "./invoke.ts";
import { annotate } from "./kubernetes/annotate.ts";
import { components } from "./kubernetes/components.ts";
import { configurations } from "./kubernetes/configurations.ts";
import { init } from "./kubernetes/init.ts";
import { logs } from "./kubernetes/logs.ts";
import { status } from "./kubernetes/status.ts";
import { uninstall } from "./kubernetes/uninstall.ts";
import { upgrade } from "./kubernetes/upgrade.ts";
import { list } from "./list.ts";
import { run } from "./run.ts";
import { stop } from "./stop.ts";
import { version } from "./version.ts";

export const commands: readonly Command[] = [
  run,
  stop,
  list,
  invoke,
  init,
  status,
  components,
  configurations,
  logs,
  annotate,
  upgrade,
  uninstall,
  version,
];
