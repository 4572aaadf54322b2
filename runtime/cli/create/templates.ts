/** The templates that the kit was built with. */
import { existsSync, readdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { CommandError } from "../command.ts";

export interface Kit {
  /** The folder of the kit, or of the package. */
  root: string;
  templates: string;
  /** The packages that apps of templates need, each in a folder of its name. */
  packages: string;
}

/** Above this file's bundle, or its source. */
export function findKit(): Kit {
  for (
    let dir = import.meta.dirname;
    dir !== dirname(dir);
    dir = dirname(dir)
  ) {
    const templates = join(dir, "dist", "templates");
    if (!existsSync(templates)) continue;
    // The package of npm has them beside the templates (scripts/pack.ts).
    const packed = join(dir, "dist", "packages");
    const packages = existsSync(packed) ? packed : join(dir, "node_modules");
    return { root: dir, templates, packages };
  }
  throw new CommandError(
    "the templates are missing beside this CLI. A project that `dapr create` made has none: use the kit or the package that made it. In the kit `npm install` makes them",
  );
}

export const templateNames = ({ templates }: Kit): string[] =>
  readdirSync(templates).sort();
