/** The servers of `dapr init --redis` and `--zipkin`, in containers with the original's names. */
import { CommandError } from "../command.ts";
import type { ContainerRuntime } from "./container-runtime.ts";

export const redisName = "dapr_redis";
export const zipkinName = "dapr_zipkin";

export interface Server {
  /** Also its host name in a network of containers. */
  name: string;
  image: string;
  port: number;
}

export const redis: Server = { name: redisName, image: "redis:7", port: 6379 };
export const redisStack: Server = {
  ...redis,
  image: "redis/redis-stack-server:7.2.0-v19",
};
export const zipkin: Server = {
  name: zipkinName,
  image: "openzipkin/zipkin:3.5",
  port: 9411,
};

export interface ContainerOptions {
  /** Of containers; empty: the server's port is published on this machine. */
  network: string;
  /** What the images' names begin with; empty for Docker Hub. */
  registry: string;
}

export const containerName = (name: string, network: string): string =>
  network ? `${name}_${network}` : name;

/** Its state in the runtime's word, such as `running`; undefined if there is no such container. */
export async function stateOf(
  { run }: ContainerRuntime,
  name: string,
): Promise<string | undefined> {
  const listed = await run(
    "ps",
    "--all",
    "--filter",
    `name=^/?${name}$`,
    "--format",
    "{{.State}}",
  );
  return listed.trim().split("\n")[0] || undefined;
}

/** Starts the container that is there, or a new one. */
export async function startServer(
  runtime: ContainerRuntime,
  server: Server,
  { network, registry }: ContainerOptions,
): Promise<void> {
  const name = containerName(server.name, network);
  const state = await stateOf(runtime, name);
  if (state === "running") return;
  if (state) return void (await runtime.run("start", name));
  const { port } = server;
  try {
    await runtime.run(
      "run",
      "--detach",
      "--restart",
      "always",
      "--name",
      name,
      ...(network
        ? ["--network", network, "--network-alias", server.name]
        : // Only for this machine: neither asks for a password.
          ["--publish", `127.0.0.1:${port}:${port}`]),
      registry ? `${registry}/${server.image}` : server.image,
    );
  } catch (error) {
    // What could not start would be in the way of the next try.
    await runtime.run("rm", "--force", name).catch(() => {}); // the first error says why
    throw new CommandError(
      `could not start container ${name}: ${(error as Error).message}`,
    );
  }
}
