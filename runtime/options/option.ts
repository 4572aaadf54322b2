/** What the table says of an option: the places where it can be given, and what goes on to the sidecar. */
import type { Flag } from "./flag.ts";
import type { SidecarFlag } from "./sidecar-flag.ts";

/** An option goes by the name of its flag. `dapr run` hands on to the sidecar whatever has `run` and `daprd`. */
export interface Option {
  /** The flag of `dapr run`. */
  run?: Flag;
  /** The key of a run file. Its value is of the flag's type. */
  file?: FileKey;
  /** The flag of the sidecar. */
  daprd?: SidecarFlag<never> | SidecarFlag<unknown>;
  /** The annotation of a pod. */
  pod?: Annotation;
  /** The variable in which the app finds the value; a number that is not above 0 is left out. */
  appEnv?: string;
  /** What the sidecar gets for a value; "" is nothing. Else: the value, if it is not empty and no number below 1. */
  pass?(value: string): string;
  /** The words that it can be, in any case; the empty one is the sidecar's default. */
  choices?: Choices;
  /** A size in bytes, such as 4Mi: what messages call it. */
  size?: string;
  /** A port of the app or of the sidecar. */
  port?: Port;
}

export interface FileKey {
  key: string;
  /** Under `common`, too: it then holds for each app that does not say otherwise. */
  common?: true;
  /** An empty text is a value of its own. */
  emptyCounts?: true;
  /** Where a run file's default is not the flag's. */
  default?: string;
}

export interface Choices {
  /** What messages call it. */
  what: string;
  words: readonly string[];
  /** Words that are taken, but not advised. */
  also?: readonly string[];
}

export interface Port {
  /** In the original's messages. */
  name: string;
  of: "app" | "sidecar";
  /** Served only with this switch. */
  with?: string;
}

export interface Annotation {
  /** `dapr.io/NAME`, where it differs from the flag's name. */
  name?: string;
  /**
   * How it becomes the flag: `switch` the bare flag if it is on, `--flag=false` if that is not its default, `stated` `--flag=true` or `=false`; `by hand`: the injector has a rule
   * of its own. All others are `--flag VALUE`.
   */
  as: "text" | "number" | "port" | "switch" | "stated" | "by hand";
  /** Handed on without the annotation, too (a port above 0). */
  default?: string | number | boolean;
  /** Handed on only together with this switch. */
  with?: string;
}
