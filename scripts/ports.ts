/** Which local ports are free. */
import { createServer } from "node:net";

/** The first free port at or above `wanted` that `claim` grants. */
export async function freePort(
  wanted: number,
  claim: (port: number) => boolean,
): Promise<number> {
  let port = wanted;
  // Claimed before it is tried: the try itself would make it look taken to another.
  while (!claim(port) || !(await isFree(port))) port++;
  return port;
}

// Both addresses: some systems let a wildcard listener and a loopback one share a port.
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
