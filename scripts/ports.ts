/** Which local ports are free. */
import { createServer } from "node:net";

/** The first free port at or above `wanted` that `claim` grants. */
export async function freePort(
  wanted: number,
  claim: (port: number) => boolean,
): Promise<number> {
  let port = wanted;
  // The port is claimed before it is tried, since to another demo the trial makes it look taken.
  while (!claim(port) || !(await isFree(port))) port++;
  return port;
}

// Both addresses are tried: some systems let a wildcard listener and a loopback one share a port.
export async function isFree(port: number): Promise<boolean> {
  return (await canListen(port, "127.0.0.1")) && (await canListen(port));
}

function canListen(port: number, host?: string): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(false));
    server.listen({ port, host }, () => server.close(() => resolve(true)));
  });
}
