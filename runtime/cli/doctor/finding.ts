/** What a check of `dapr doctor` has found. */

import type { RunFile } from "../run/run-file.ts";

export interface Finding {
  /** `ok`; `note`: nothing to do, or not looked at; `warning`: may be meant so; `failure`: has to be put right. */
  status: "ok" | "note" | "warning" | "failure";
  message: string;
  /** What to do. */
  hint?: string;
}

export const ok = (message: string): Finding => ({ status: "ok", message });
export const note = (message: string): Finding => ({ status: "note", message });
export const warning = (message: string, hint?: string): Finding => ({
  status: "warning",
  message,
  ...(hint ? { hint } : {}),
});
export const failure = (message: string, hint?: string): Finding => ({
  status: "failure",
  message,
  ...(hint ? { hint } : {}),
});

/** What all checks are told. */
export interface Examined {
  /** `<dapr>` */
  home: string;
  /** Folders of resource files. */
  folders: readonly string[];
  /** Configuration files. */
  configurations: readonly string[];
  /** Ports that a run file gives, each with what it is for; empty without one. */
  wanted: readonly WantedPort[];
  /** What is wrong with the run file itself. */
  runFile: readonly Finding[];
  /** The run file; undefined without one, or if it can't be read. */
  file: RunFile | undefined;
}

export interface WantedPort {
  port: number;
  /** e.g. `daprHTTPPort of app "orders"` */
  what: string;
  appId: string;
}
