/** The table: every option by the name of its flag. */
import { oldOptions } from "./old.ts";
import type { Option } from "./option.ts";
import { runOptions } from "./run.ts";
import { sidecarOptions } from "./sidecar.ts";

export const options = { ...runOptions, ...sidecarOptions, ...oldOptions };

export type Options = typeof options;

/** The table as its readers walk through it. */
export const allOptions = Object.entries<Option>(options);
