/** A Mosquitto of Debian's package on a port of its own. Sessions and messages stay when it is started again. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePorts } from "./ports.ts";
import { startProgram, type ServerProgram } from "./server-program.ts";

export interface Mosquitto extends ServerProgram {
  port: number;
  url: string;
  start(): Promise<void>;
  /** Ends it for good. */
  dispose(): Promise<void>;
}

/** `config` are more lines of mosquitto.conf; its listener comes first. */
export async function startMosquitto(
  config = "allow_anonymous true",
): Promise<Mosquitto> {
  const [port] = (await freePorts(1)) as [number];
  const folder = mkdtempSync(join(tmpdir(), "mosquitto-"));
  const file = join(folder, "mosquitto.conf");
  writeFileSync(
    file,
    [
      `listener ${port} 127.0.0.1`,
      "persistence true",
      `persistence_location ${folder}/`,
      // Each change is saved, so that kill -9 loses no session.
      "autosave_on_changes true",
      "autosave_interval 1",
      "user root",
      config,
      "",
    ].join("\n"),
  );
  const begin = () => startProgram("mosquitto", { args: ["-c", file], port });
  let program = await begin();
  return {
    port,
    url: `mqtt://127.0.0.1:${port}`,
    async start() {
      program = await begin();
    },
    stop: () => program.stop(),
    kill: () => program.kill(),
    pause: () => program.pause(),
    unpause: () => program.unpause(),
    async dispose() {
      await program.kill();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
