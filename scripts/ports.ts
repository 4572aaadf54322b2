/** Which local ports are free. */
import { connect, createServer } from "node:net";

/** The first free port at or above `wanted` that is not in `taken`; it joins `taken`. */
export async function freePort(
  wanted: number,
  taken: Set<number>,
): Promise<number> {
  let port = wanted;
  while (taken.has(port) || !(await isFree(port))) port++;
  taken.add(port);
  return port;
}

export function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: "localhost", timeout: 2000 });
    const done = (open: boolean) => {
      socket.destroy();
      resolve(open);
    };
    socket.once("connect", () => done(true));
    socket.once("error", () => done(false));
    socket.once("timeout", () => done(false));
  });
}

// Both addresses: some systems let a wildcard listener and a loopback one share a port.
async function isFree(port: number): Promise<boolean> {
  return (await canListen(port, "127.0.0.1")) && (await canListen(port));
}

function canListen(port: number, host?: string): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(false));
    server.listen({ port, host }, () => server.close(() => resolve(true)));
  });
}
