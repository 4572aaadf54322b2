/** The README of a project that `dapr create` makes. */
import { readdirSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";

const about: Record<string, string> = {
  bindings:
    "Two apps and a queue. `producerapp` sends an order a second through its sidecar to the output binding `sample-topic`; `nodeapp` gets each order from the input binding of that name. It takes orders by service invocation, too, and keeps the latest of those in the component `statestore`, a SQLite file. The queue is a file under `.dapr/`; another component makes it Kafka.",
  state:
    "Two apps and a state store. `producerapp` calls the method `neworder` of `nodeapp` once a second, by its name; `nodeapp` keeps the latest order in the component `statestore`. The store is a SQLite file under `.dapr/`; another component makes it Redis.",
  pubsub:
    "A publisher and two subscribers. The publisher sends a message a second on the topics A, B and C; each subscriber gets the topics that it has asked for. The message bus is a file under `.dapr/`; another component makes it Redis or Kafka.",
};

export function readme(template: string, folder: string): string {
  const rows = filesOf(folder)
    .map((file) => [file, describe(join(folder, file))])
    .filter(([, text]) => text)
    .map(([file, text]) => `| \`${file}\` | ${text} |`);
  return `# NAME

${about[template]}

Made by \`dapr create\` from a tutorial.

## Run it

\`\`\`sh
npm start
\`\`\`

It runs \`dapr run -f .\` with the \`dapr\` of this project, which is a copy of the one that made it, in \`vendor/dapr-ts/\`; you can type \`npx dapr run -f .\`, too. It needs Node 24 or newer.
The lines of each app begin with \`== APP - ID ==\`. Ctrl+C ends all of it, and so does \`npm run stop\` in another terminal. Ports that are taken are changed in
\`dapr.yaml\`; \`npx dapr doctor -f dapr.yaml\` says whose they are.

The packages are in \`node_modules/\` already. In a copy without that folder run \`npm install\`.

## What is where

| File | |
|---|---|
${rows.join("\n")}
`;
}

/** The first sentence of the comment that a file begins with. */
function describe(file: string): string {
  const text = readFileSync(file, "utf8");
  const [, block, line] =
    /^\s*(?:\/\*\*?\s*([^]*?)\s*\*\/|(?:#|\/\/) (.*))/.exec(text) ?? [];
  return (block ?? line ?? "")
    .replace(/\s*\n \* ?/g, " ")
    .replaceAll("|", "\\|")
    .trim();
}

/** The files of a template, as paths with slashes. */
const filesOf = (folder: string): string[] =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) =>
      relative(folder, join(parentPath, name)).replaceAll("\\", "/"),
    )
    .sort();
