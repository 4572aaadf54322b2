/** The demo's Kafka or Redis. One that already runs is used; otherwise one is started, and stopped at the end. */
import { setTimeout as sleep } from "node:timers/promises";
import { compose, docker, dockerProblem, root } from "./docker.ts";
import type { ProbeResult } from "./service-probe.ts";
import { StartedMark } from "./started-mark.ts";

const healthyWithinMs = 120_000;

/** A service of docker-compose-single-kafka.yml. */
export interface ServiceKind {
  service: "kafka" | "redis";
  name: "Kafka" | "Redis";
  /** The name in the banner. */
  fullName: string;
  port: number;
  probe(port: number): Promise<ProbeResult>;
  /** The command of the demo that does not need it. */
  without: string;
}

export interface Service {
  /** For the banner: which server this is, and what happens to it at the end. */
  about: string;
  stop(): Promise<void>;
}

/** Rejects with one sentence for the user. By then, what it started is stopped. */
export async function startService(
  { service, name, fullName, port, probe, without }: ServiceKind,
  stopping: AbortSignal,
): Promise<Service> {
  const problem = dockerProblem();
  const running = problem ? "" : await runningContainer(service);
  const mark = new StartedMark(root, service);
  const orphan = running !== "" && mark.isOrphan(running);
  if (running && !orphan) {
    await healthy(service, name, running, stopping);
    return leftAlone(
      `${fullName} on localhost:${port}, already up (left running)`,
    );
  }
  const found = orphan ? "nothing" : await probe(port);
  if (found === "silent")
    throw new Error(
      `Port ${port} is taken by something that does not answer as ${name} does: end it, or run the demo without ${name}: ${without}`,
    );
  if (found === "found")
    return leftAlone(
      `the ${name} that already answers on localhost:${port} (left running)`,
    );
  if (problem)
    throw new Error(
      `The ${name} demo needs Docker to start ${name}, but ${problem}. Without it: ${without}`,
    );

  const stop = async () => {
    const note = progress(`Stopping ${name}`);
    await compose("rm", "-s", "-f", "-v", service);
    // The network is removed too, unless another service of the file still uses it.
    if ((await compose("ps", "-q")) === "") await compose("down");
    mark.remove();
    note.end(`${name} stopped.`);
  };
  try {
    const container = orphan ? running : await start(service, name);
    if (container) mark.write(container);
    await healthy(service, name, container, stopping);
  } catch (error) {
    await stop();
    throw error;
  }
  const origin = orphan
    ? "left by a demo that was killed"
    : "started in Docker";
  return {
    about: `${fullName} on localhost:${port}, ${origin} (stopped at the end)`,
    stop,
  };
}

/** Starts the service and returns its container's ID, which is empty if the container exited at once. */
async function start(service: string, name: string): Promise<string> {
  const note = progress(
    `Starting ${name} in Docker (the first time its image is fetched)`,
  );
  const fresh = (await hasEndedContainer(service)) ? ["--force-recreate"] : [];
  await compose("up", "-d", ...fresh, service).finally(() => note.end());
  return runningContainer(service);
}

function leftAlone(about: string): Service {
  return { about, stop: async () => {} };
}

/** The container's ID, which is empty if it is absent or stopped. */
async function runningContainer(service: string): Promise<string> {
  const id = await compose("ps", "-q", service);
  return id && (await state(id)).startsWith("true") ? id : "";
}

/** Whether there is a container that was stopped or killed. Its half-written files would make the demo fail. */
async function hasEndedContainer(service: string): Promise<boolean> {
  const id = await compose("ps", "-a", "-q", service);
  const status = id && (await docker("inspect", "-f", "{{.State.Status}}", id));
  return status === "exited" || status === "dead";
}

/** e.g. `true healthy` */
function state(id: string): Promise<string> {
  const format = "{{.State.Running}} {{.State.Health.Status}}";
  return docker("inspect", "-f", format, id);
}

async function healthy(
  service: string,
  name: string,
  id: string,
  stopping: AbortSignal,
): Promise<void> {
  const note = progress(`Waiting for ${name} to become healthy`);
  const logs = `see \`docker compose -f docker-compose-single-kafka.yml logs ${service}\`.`;
  const deadline = Date.now() + healthyWithinMs;
  try {
    for (;;) {
      const [running, health] = id ? (await state(id)).split(" ") : ["false"];
      if (running !== "true")
        throw new Error(`${name} ended while starting; ${logs}`);
      if (health === "healthy") return note.end(`${name} is healthy.`);
      if (Date.now() > deadline)
        throw new Error(
          `${name} was not healthy within ${healthyWithinMs / 1000} s (last state: ${health}); ${logs}`,
        );
      await sleep(300, undefined, { signal: stopping });
    }
  } finally {
    note.end();
  }
}

/** Prints how long it has waited: on a terminal in one line, elsewhere in a new line every 5 s. */
function progress(what: string) {
  const started = Date.now();
  const terminal = process.stdout.isTTY;
  const seconds = () => Math.round((Date.now() - started) / 1000);
  const show = () =>
    process.stdout.write(
      terminal ? `\r${what} … ${seconds()} s ` : `${what} … ${seconds()} s\n`,
    );
  show();
  let timer: NodeJS.Timeout | undefined = setInterval(
    show,
    terminal ? 1000 : 5000,
  );
  return {
    end(message?: string) {
      if (!timer) return;
      clearInterval(timer);
      timer = undefined;
      if (terminal) process.stdout.write("\r\x1b[K");
      if (message) console.log(message);
    },
  };
}
