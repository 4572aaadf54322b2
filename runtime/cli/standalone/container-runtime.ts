/** Docker or Podman, as the user has it: the same commands. */
import { execFile } from "node:child_process";
import { CommandError, type FlagTable } from "../command.ts";

const names = ["docker", "podman"] as const;

export const containerFlags = {
  network: {
    type: "string",
    env: "DAPR_NETWORK",
    about: "The network of the containers, whose ports are then not published",
  },
  "container-runtime": {
    type: "string",
    default: "docker",
    choices: names,
    env: "DAPR_CONTAINER_RUNTIME",
    about: "docker or podman",
  },
} as const satisfies FlagTable;

export interface ContainerRuntime {
  name: (typeof names)[number];
  /** Resolves with stdout. Rejects with a {@link CommandError} that quotes what it said. */
  run(...args: string[]): Promise<string>;
}

/** Throws unless it is one of the two. Whether it answers is not asked here. */
export function containerRuntime(given: string): ContainerRuntime {
  const name = names.find((one) => one === given);
  if (!name)
    throw new CommandError(
      "Invalid container runtime. Supported values are docker and podman.",
    );
  return { name, run: (...args) => runIn(name, args) };
}

const runIn = (name: string, args: readonly string[]) =>
  new Promise<string>((resolve, reject) =>
    execFile(name, args, { windowsHide: true }, (error, stdout, stderr) => {
      if (!error) return resolve(stdout);
      const why = stderr.trim() || error.message;
      reject(new CommandError(`${name} ${args[0]}: ${why}`));
    }),
  );

/** Rejects with the original's sentence unless the engine answers. */
export async function reachEngine({ name, run }: ContainerRuntime) {
  try {
    await run("ps", "--quiet");
  } catch (error) {
    throw new CommandError(
      `could not connect to ${name}. ${name} may not be installed or running\n    ${(error as Error).message}\n    Without --redis and --zipkin \`dapr init\` needs no containers.`,
    );
  }
}
