/** The browser of the tests: a Chromium of this machine. None is fetched. */
import { findProgram } from "./programs.ts";

const names = ["chromium", "chromium-browser", "google-chrome", "chrome"];

/** The path of its program: DAPR_TEST_BROWSER, or the first that is installed; `undefined` if none is. */
export const findBrowser = (): string | undefined =>
  process.env.DAPR_TEST_BROWSER || names.map(findProgram).find(Boolean);

/** Why there is no browser, or `undefined`. */
export const browserProblem = (): string | undefined =>
  findBrowser()
    ? undefined
    : "no Chromium is installed (on Debian: apt-get install chromium); DAPR_TEST_BROWSER names one that is not in PATH";
