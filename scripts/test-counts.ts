/** Adds up the suites' results. A missing result is a failure. */
import { existsSync, readFileSync, rmSync } from "node:fs";

export interface Counts {
  passed: number;
  failed: number;
  skipped: number;
}

interface JestReport {
  numPassedTests: number;
  numFailedTests: number;
  numPendingTests: number;
  numTodoTests: number;
  /** The number of files that failed before their first test. */
  numRuntimeErrorTestSuites: number;
}

export function addJestCounts(
  counts: Counts,
  suite: string,
  file: string,
): void {
  if (!existsSync(file)) return missing(counts, suite);
  const report = JSON.parse(readFileSync(file, "utf8")) as JestReport;
  rmSync(file);
  counts.passed += report.numPassedTests;
  counts.failed += report.numFailedTests + report.numRuntimeErrorTestSuites;
  counts.skipped += report.numPendingTests + report.numTodoTests;
}

/** Reads `N passed, N failed, N skipped` from the end of a script's output. */
export function addLastLine(
  counts: Counts,
  suite: string,
  output: string,
): void {
  const found = /(\d+) passed, (\d+) failed, (\d+) skipped\s*$/.exec(output);
  if (!found) return missing(counts, suite);
  counts.passed += Number(found[1]);
  counts.failed += Number(found[2]);
  counts.skipped += Number(found[3]);
}

function missing(counts: Counts, suite: string): void {
  console.error(`${suite}: ended without a result; its output is above`);
  counts.failed++;
}
