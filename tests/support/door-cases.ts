/** Rows of a table of calls, each made over HTTP and over gRPC. */
import type { Door, Outcome } from "./doors.ts";

/** An error, as each API reports it. */
export const failed = (http: number, grpc: string, text: string): Outcome => ({
  error: { http, grpc, text },
});
export const done: Outcome = { value: undefined };
export const value = (text: unknown): Outcome => ({ value: text });

export interface Case {
  title: string;
  run(door: Door): Promise<Outcome>;
  expected: Outcome;
}

export const of = (
  title: string,
  run: Case["run"],
  expected: Case["expected"],
): Case => ({ title, run, expected });

/** What one of the doors shows of an outcome. */
export function asSeen(door: "http" | "grpc", outcome: Outcome): unknown {
  if (!("error" in outcome)) return outcome;
  const { text, ...codes } = outcome.error;
  const own = typeof text === "string" ? text : text[door === "http" ? 0 : 1];
  return { error: { [door]: codes[door], text: own } };
}

/** The text without the part that each store words differently. */
export function shortened(outcome: Outcome, rest: RegExp): Outcome {
  if (!("error" in outcome) || typeof outcome.error.text !== "string")
    return outcome;
  const text = outcome.error.text.replace(rest, "");
  return { error: { ...outcome.error, text } };
}
