/** The tutorials that `npm test` runs. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { root } from "./docker.ts";
import { echo } from "./echo.ts";

export interface TutorialRun {
  name: string;
  stage: string;
  lang: string;
}

/** Both languages have the same commands (a test compares them), so one language runs whole and of the other only the shortest stage. */
export const localRuns: TutorialRun[] = [
  { name: "bindings", stages: ["embedded", "hand", "kafka", "manual"] },
  { name: "hello-world", stages: ["embedded", "debug", "redis"] },
  { name: "hello-kubernetes", stages: ["embedded", "redis"] },
  { name: "sdk", stages: ["javascript", "python"] },
  { name: "testing", stages: ["embedded", "redis"] },
  {
    name: "pub-sub",
    stages: ["embedded", "hand", "resiliency", "python", "redis", "kafka"],
  },
].flatMap(({ name, stages: [first = "", ...rest] }) => [
  ...[first, ...rest].map((stage) => ({ name, stage, lang: "en" })),
  { name, stage: first, lang: "zh" },
]);

/** The stages in a cluster. They use none of the ports that the others use. */
export const clusterRuns: TutorialRun[] = [
  "bindings",
  "hello-kubernetes",
  "pub-sub",
].map((name) => ({ name, stage: "kubernetes", lang: "en" }));

export const worksWithoutDocker = ({ stage }: TutorialRun) =>
  !["kafka", "manual", "redis", "kubernetes"].includes(stage);

/** A tutorial's exit code when other programs use its ports. */
export const noPorts = 2;

/** Resolves with the tutorial's exit code and its standard output, which is also printed as it comes. */
export async function runTutorial(
  { name, stage, lang }: TutorialRun,
  prefix: string,
): Promise<{ code: number | null; output: string }> {
  const child = spawn(
    process.execPath,
    ["scripts/tutorial.ts", name, `--lang=${lang}`, `--stage=${stage}`],
    { cwd: root, stdio: ["ignore", "pipe", "pipe"] },
  );
  let output = "";
  child.stdout
    .setEncoding("utf8")
    .on("data", (text: string) => (output += text));
  echo(child, prefix);
  const [code] = (await once(child, "close")) as [number | null];
  return { code, output };
}
