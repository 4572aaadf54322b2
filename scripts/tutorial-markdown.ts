/**
 * Reads the steps of a tutorial. HTML comments, invisible to a reader, say what
 * a code block is:
 *
 *   <!-- stage: embedded -->        the steps that follow belong to this stage
 *   <!-- step {name: …, …} -->      the next code block is a command to run
 *   <!-- expect -->                 the next code block is what the last step prints
 *   <!-- after -->                  the next code block is what it prints after its Ctrl+C
 *
 * A step without a code block (`watch`, `interrupt`) uses the terminal of an earlier step.
 */
import { YAML } from "zx";

export interface Step {
  name: string;
  stage: string;
  line: number;
  /** Shell commands as printed in the text. */
  commands: string;
  /** Lines as printed in the text; `…` stands for anything. */
  expect: string[];
  /** The name of the terminal in which the command keeps running. */
  terminal?: string;
  /** The name of a terminal whose output is compared. */
  watch?: string;
  /** Presses Ctrl+C in the named terminal, or (`true`) in this step's own, once the expected lines came. */
  interrupt?: string | true;
  /** The lines expected after that Ctrl+C. */
  after: string[];
  /** The expected lines may come in any order: those of different topics have none. */
  unordered: boolean;
  /** Runs the commands again until they print what is expected. */
  repeat: boolean;
  /** Runs even if an earlier step of the stage failed. */
  cleanup: boolean;
}

const comment = /^<!--\s*(stage:|step\b|expect\b|after\b)([\s\S]*?)-->$/;

export function readSteps(markdown: string, file: string): Step[] {
  const steps: Step[] = [];
  let stage = "";
  let next: "commands" | "expect" | "after" | undefined;
  const blocks = markdown.matchAll(/<!--[\s\S]*?-->|```(\w*)\n([\s\S]*?)```/g);
  for (const block of blocks) {
    const line = markdown.slice(0, block.index).split("\n").length;
    const last = steps.at(-1);
    const [, kind, rest = ""] = comment.exec(block[0]) ?? [];
    if (kind === "stage:") stage = rest.trim();
    else if (kind === "step") {
      const step = newStep(rest, stage, line, file);
      steps.push(step);
      next =
        step.watch || typeof step.interrupt === "string"
          ? undefined
          : "commands";
    } else if (kind) {
      if (!last) throw new Error(`${file}:${line}: ${kind} before any step`);
      next = kind as "expect" | "after";
    } else if (!block[0].startsWith("<!--") && next && last) {
      const text = (block[2] ?? "").trimEnd();
      if (next === "commands") last.commands = text;
      else
        last[next] = text
          .split("\n")
          .filter((one) => one.trim() !== "" && one.trim() !== "…");
      next = undefined;
    }
  }
  for (const step of steps)
    if (!step.commands && !step.watch && typeof step.interrupt !== "string")
      throw new Error(
        `${file}:${step.line}: step "${step.name}" has no code block`,
      );
  return steps;
}

function newStep(
  text: string,
  stage: string,
  line: number,
  file: string,
): Step {
  const known = [
    "name",
    "terminal",
    "watch",
    "interrupt",
    "unordered",
    "repeat",
    "cleanup",
  ];
  const given = (YAML.parse(text) ?? {}) as Record<string, unknown>;
  for (const key of Object.keys(given))
    if (!known.includes(key))
      throw new Error(
        `${file}:${line}: a step has no "${key}"; known: ${known.join(", ")}`,
      );
  return {
    name: "",
    unordered: false,
    repeat: false,
    cleanup: false,
    ...given,
    stage,
    line,
    commands: "",
    expect: [],
    after: [],
  };
}
