/** A port that never answers. Linux accepts a few connections for a process that is stopped, and then answers no more. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { connect, type Socket } from "node:net";

export const canBeSilent = process.platform === "linux";

export interface SilentPort {
  port: number;
  close(): void;
}

/** Long enough for a connection on this machine. */
const triedMs = 500;

export async function openSilentPort(): Promise<SilentPort> {
  const child = spawn(process.execPath, [
    "-e",
    `const server = require("node:net").createServer();
     server.listen({ port: 0, host: "127.0.0.1", backlog: 1 }, () => console.log(server.address().port));`,
  ]);
  const [line] = (await once(child.stdout, "data")) as [Buffer];
  const port = Number(line.toString());
  child.kill("SIGSTOP");
  const taken: Socket[] = [];
  const isTaken = () => {
    const socket = connect(port, "127.0.0.1").on("error", () => {});
    taken.push(socket);
    return Promise.race([
      once(socket, "connect").then(() => true),
      new Promise<boolean>((done) => setTimeout(done, triedMs, false)),
    ]);
  };
  while (await isTaken());
  return {
    port,
    close() {
      for (const socket of taken) socket.destroy();
      child.kill("SIGKILL");
    },
  };
}
