/** Has certificates made by a short-lived process: this program, started again with the word `certificate`. */
import { spawn } from "node:child_process";
import { text } from "node:stream/consumers";
import type { Issued, IssueRequest } from "./issue.ts";

export type Issuer = (request: IssueRequest) => Promise<Issued>;

/** The issuer's key goes in by a pipe, as everybody on the node can read arguments. */
export const issueInProcess: Issuer = (request) =>
  new Promise((resolve, reject) => {
    const fail = (reason: string) =>
      reject(new Error(`making a certificate failed: ${reason}`));
    const child = spawn(
      process.execPath,
      [process.argv[1] as string, "certificate"],
      { stdio: ["pipe", "pipe", "pipe"], timeout: 30_000 },
    );
    const said = Promise.all([text(child.stdout), text(child.stderr)]);
    said.catch(() => {}); // without a process there is nothing to read: its error says why
    child.stdin.on("error", (error) => fail(error.message));
    child.on("error", (error) => fail(error.message));
    child.on("close", (code, signal) =>
      said.then(
        ([stdout, stderr]) => {
          if (code !== 0)
            return fail(stderr.trim() || `ended by ${signal ?? code}`);
          try {
            resolve(JSON.parse(stdout) as Issued);
          } catch {
            fail("its answer is not JSON");
          }
        },
        (error: Error) => fail(error.message),
      ),
    );
    child.stdin.end(JSON.stringify(request));
  });
