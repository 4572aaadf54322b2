/** Free ports of this machine, below the system's own range: nothing that asks the system for any port can take one in between. */
import { createServer, type Server } from "node:net";

/** Test files that run side by side take from different parts. */
const parts = 8;
const partSize = 2400;
const firstPort =
  10_240 +
  ((Number(process.env["JEST_WORKER_ID"] ?? 1) - 1) % parts) * partSize;
// Another run of the tests, in another folder, begins elsewhere.
let next = Math.floor(Math.random() * partSize);

/** Distinct ports that nothing listens on. */
export async function freePorts(count: number): Promise<number[]> {
  const ports: number[] = [];
  for (let tries = 0; ports.length < count; tries++) {
    if (tries > partSize) throw new Error("no port is free");
    const port = firstPort + (next++ % partSize);
    if (await isFree(port)) ports.push(port);
  }
  return ports;
}

/** Whether it can be listened on at 127.0.0.1. */
export const isFree = (port: number) =>
  new Promise<boolean>((resolve, reject) => {
    const server: Server = createServer()
      .once("error", (error: NodeJS.ErrnoException) =>
        error.code === "EADDRINUSE" || error.code === "EACCES"
          ? resolve(false)
          : reject(error),
      )
      .listen(port, "127.0.0.1", () => server.close(() => resolve(true)));
  });
