/** A `kubectl` that answers as told and records how it was called, for commands where there is no cluster. */
import {
  appendFileSync,
  chmodSync,
  existsSync,
  readFileSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { tempFolder } from "./temp-folder.ts";

export interface FakeKubectl {
  /** With which the CLI finds it. */
  env: Record<string, string>;
  /** Calls whose arguments begin with `words` are answered with `out`. A later answer to the same words replaces the earlier. `stays` keeps it running, like a log that is followed. */
  answer(
    words: string,
    out: unknown,
    more?: { stays?: boolean; code?: number; err?: string },
  ): void;
  calls(): { args: string; input: string }[];
}

/** Linux and macOS only: the program is a script with an interpreter line. */
export function fakeKubectl(): FakeKubectl {
  const folder = tempFolder("fake-kubectl");
  const answers = join(folder, "answers");
  const calls = join(folder, "calls");
  const program = join(folder, "kubectl");
  writeFileSync(program, `#!${process.execPath}\n${script(answers, calls)}`);
  chmodSync(program, 0o755);
  return {
    env: { PATH: `${folder}:${dirname(process.execPath)}:/usr/bin:/bin` },
    answer: (words, out, more = {}) =>
      appendFileSync(
        answers,
        `${JSON.stringify({ words, out: typeof out === "string" ? out : JSON.stringify(out), ...more })}\n`,
      ),
    calls: () =>
      existsSync(calls)
        ? readFileSync(calls, "utf8")
            .trimEnd()
            .split("\n")
            .map((line) => JSON.parse(line) as { args: string; input: string })
        : [],
  };
}

const script = (answers: string, calls: string) => `
const fs = require("node:fs");
const args = process.argv.slice(2).join(" ");
const input = args.includes("-f -") || args.includes("exec -i") ? fs.readFileSync(0, "utf8") : "";
fs.appendFileSync(${JSON.stringify(calls)}, JSON.stringify({ args, input }) + "\\n");
const known = fs.readFileSync(${JSON.stringify(answers)}, "utf8").trimEnd().split("\\n").map((line) => JSON.parse(line));
const found = known.findLast(({ words }) => args.startsWith(words));
if (!found) {
  console.error("no answer to: " + args);
  process.exit(1);
}
process.stdout.write(found.out);
process.stderr.write(found.err || "");
process.exitCode = found.code || 0;
if (found.stays) setInterval(() => {}, 1 << 30);
`;
