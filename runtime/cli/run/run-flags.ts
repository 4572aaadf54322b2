/** The flags of `dapr run`, old spellings included: what the table of options says. */
import type { FlagTable, FlagValues } from "../../options/flag.ts";
import { allOptions, type Options } from "../../options/index.ts";

type RunTable = {
  [
    K in keyof Options as Options[K] extends { run: object } ? K : never
  ]: Options[K] extends { run: infer F } ? F : never;
};

export const runFlags = Object.fromEntries(
  allOptions.flatMap(([name, { run, choices }]) =>
    run ? [[name, choices ? { ...run, choices: choices.words } : run]] : [],
  ),
) as FlagTable as RunTable;

export type RunFlags = FlagValues<RunTable>;
