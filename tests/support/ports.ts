/** Free ports below the range from which the system gives ports, so that no program gets one of them by chance. */
import { createServer, type Server } from "node:net";

/** Test files that run at the same time take ports from different parts of the range. */
const parts = 8;
const partSize = 2400;
const firstPort =
  10_240 +
  ((Number(process.env["JEST_WORKER_ID"] ?? 1) - 1) % parts) * partSize;
// A random start, since other tests may run at the same time, in another folder.
let next = Math.floor(Math.random() * partSize);

/** Returns different ports on which nothing listens. */
export async function freePorts(count: number): Promise<number[]> {
  const ports: number[] = [];
  for (let tries = 0; ports.length < count; tries++) {
    if (tries > partSize) throw new Error("no port is free");
    const port = firstPort + (next++ % partSize);
    if (await isFree(port)) ports.push(port);
  }
  return ports;
}

/** Whether a server could listen on the port at 127.0.0.1. */
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
