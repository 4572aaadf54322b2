/** The templates that the kit was built with. */
import { existsSync, readdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { CommandError } from "../command.ts";

export interface Kit {
  /** The folder with node_modules, if this is more than a bundle. */
  root: string;
  templates: string;
}

/** Above this file's bundle, or its source. */
export function findKit(): Kit {
  for (
    let dir = import.meta.dirname;
    dir !== dirname(dir);
    dir = dirname(dir)
  ) {
    const templates = join(dir, "dist", "templates");
    if (existsSync(templates)) return { root: dir, templates };
  }
  throw new CommandError(
    "the templates are missing beside this CLI: run `npm install` again, which makes them",
  );
}

export const templateNames = ({ templates }: Kit): string[] =>
  readdirSync(templates).sort();
