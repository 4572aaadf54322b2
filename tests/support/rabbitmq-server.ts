/** A RabbitMQ of Debian's package, alone on ports of its own. What is durable stays when it is started again. */
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { findProgram } from "../../scripts/programs.ts";
import { freePorts } from "./ports.ts";
import { startProgram, type ServerProgram } from "./server-program.ts";

export interface RabbitServer extends Omit<ServerProgram, "stop"> {
  port: number;
  /** amqp://…, as the administrator. */
  url: string;
  start(): Promise<void>;
  /** Ends it for good. */
  stop(): Promise<void>;
  /** Runs rabbitmqctl, and gives what it prints. */
  ctl(...args: string[]): string;
}

export async function startRabbitMQ(config = ""): Promise<RabbitServer> {
  const [port, distribution, epmd] = (await freePorts(3)) as [
    number,
    number,
    number,
  ];
  const folder = mkdtempSync(join(tmpdir(), "rabbitmq-"));
  const home = join(folder, "home");
  mkdirSync(home);
  writeFileSync(join(folder, "plugins"), "[].");
  writeFileSync(join(folder, "rabbitmq.conf"), config);
  const env = {
    HOME: home,
    ERL_EPMD_PORT: `${epmd}`,
    ERL_EPMD_ADDRESS: "127.0.0.1",
    RABBITMQ_NODENAME: `test-${port}@localhost`,
    RABBITMQ_NODE_IP_ADDRESS: "127.0.0.1",
    RABBITMQ_NODE_PORT: `${port}`,
    RABBITMQ_DIST_PORT: `${distribution}`,
    RABBITMQ_MNESIA_BASE: join(folder, "mnesia"),
    RABBITMQ_LOG_BASE: join(folder, "log"),
    RABBITMQ_LOGS: "-",
    RABBITMQ_ENABLED_PLUGINS_FILE: join(folder, "plugins"),
    RABBITMQ_CONFIG_FILE: join(folder, "rabbitmq"),
    RABBITMQ_CONF_ENV_FILE: join(folder, "none"),
    RABBITMQ_PID_FILE: join(folder, "pid"),
  };
  const run = (name: string, ...args: string[]) => {
    const { status, stdout, stderr } = spawnSync(
      findProgram(name) ?? name,
      args,
      { env: { ...process.env, ...env }, encoding: "utf8" },
    );
    if (status !== 0) throw new Error(`${name} ${args}: ${stdout}${stderr}`);
    return stdout;
  };
  const begin = () => startProgram("rabbitmq-server", { env, port });
  let program = await begin();
  return {
    port,
    url: `amqp://guest:guest@127.0.0.1:${port}`,
    async start() {
      program = await begin();
    },
    kill: () => program.kill(),
    pause: () => program.pause(),
    unpause: () => program.unpause(),
    async stop() {
      await program.kill();
      // Erlang's port mapper was started with it, and stays.
      spawnSync("epmd", ["-kill"], { env: { ...process.env, ...env } });
      rmSync(folder, { recursive: true, force: true });
    },
    ctl: (...args) => run("rabbitmqctl", ...args),
  };
}
