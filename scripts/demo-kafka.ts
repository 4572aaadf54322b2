/** The demo's Kafka: uses the one that is up, else starts it and stops it again. */
import { setTimeout as sleep } from "node:timers/promises";
import { compose, docker, dockerProblem } from "./docker.ts";
import { probeKafka } from "./kafka-probe.ts";

const port = 9092;
const healthyWithinMs = 120_000;

export interface Kafka {
  /** For the banner: which broker this is and what becomes of it. */
  about: string;
  stop(): Promise<void>;
}

/** Rejects with one sentence for the user; what it started is gone then. */
export async function startKafka(stopping: AbortSignal): Promise<Kafka> {
  const problem = dockerProblem();
  const running = problem ? "" : await runningContainer();
  if (running) {
    await healthy(running, stopping);
    return leftAlone(
      "Apache Kafka on localhost:9092, already up (left running)",
    );
  }
  const found = await probeKafka(port);
  if (found === "silent")
    throw new Error(
      `Port ${port} is taken by something that does not answer as Kafka does: end it, or run the demo without Kafka: npm run demo:local`,
    );
  if (found === "kafka")
    return leftAlone(
      "the Kafka that already answers on localhost:9092 (left running)",
    );
  if (problem)
    throw new Error(
      `The Kafka demo needs Docker to start Kafka, but ${problem}. Without it: npm run demo:local`,
    );

  const stop = async () => {
    const note = progress("Stopping Kafka");
    await compose("rm", "-s", "-f", "-v", "kafka");
    // The network goes too, unless another service of the file still uses it.
    if ((await compose("ps", "-q")) === "") await compose("down");
    note.end("Kafka stopped.");
  };
  try {
    const note = progress(
      "Starting Kafka in Docker (the first time its image is fetched)",
    );
    const fresh = (await hasEndedContainer()) ? ["--force-recreate"] : [];
    await compose("up", "-d", ...fresh, "kafka").finally(() => note.end());
    await healthy(await runningContainer(), stopping);
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    about:
      "Apache Kafka on localhost:9092, started in Docker (stopped at the end)",
    stop,
  };
}

function leftAlone(about: string): Kafka {
  return { about, stop: async () => {} };
}

/** Its id; empty when it is absent or stopped. */
async function runningContainer(): Promise<string> {
  const id = await compose("ps", "-q", "kafka");
  return id && (await state(id)).startsWith("true") ? id : "";
}

/** One that was stopped or killed: what it left half written would fail the demo. */
async function hasEndedContainer(): Promise<boolean> {
  const id = await compose("ps", "-a", "-q", "kafka");
  const status = id && (await docker("inspect", "-f", "{{.State.Status}}", id));
  return status === "exited" || status === "dead";
}

/** e.g. `true healthy` */
function state(id: string): Promise<string> {
  const format = "{{.State.Running}} {{.State.Health.Status}}";
  return docker("inspect", "-f", format, id);
}

async function healthy(id: string, stopping: AbortSignal): Promise<void> {
  const note = progress("Waiting for Kafka to become healthy");
  const deadline = Date.now() + healthyWithinMs;
  try {
    for (;;) {
      const [running, health] = id ? (await state(id)).split(" ") : ["false"];
      if (running !== "true")
        throw new Error(
          "Kafka ended while starting; see `docker compose -f docker-compose-single-kafka.yml logs kafka`.",
        );
      if (health === "healthy") return note.end("Kafka is healthy.");
      if (Date.now() > deadline)
        throw new Error(
          `Kafka was not healthy within ${healthyWithinMs / 1000} s (last state: ${health}); see \`docker compose -f docker-compose-single-kafka.yml logs kafka\`.`,
        );
      await sleep(300, undefined, { signal: stopping });
    }
  } finally {
    note.end();
  }
}

/** A line that shows time passing: rewritten on a terminal, every 5 s elsewhere. */
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
