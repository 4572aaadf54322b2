/** Free ports: picked by the system, distinct, and tested by binding. */
import { createServer } from "node:net";
import type { Server } from "node:net";

const host = "127.0.0.1";

/** Is nobody listening on this port, on loopback or on all interfaces? */
export async function isFree(port: number): Promise<boolean> {
  for (const address of [host, undefined]) {
    try {
      await close(await listen(port, address));
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === "EADDRINUSE" || code === "EACCES") return false;
      throw error;
    }
  }
  return true;
}

/** `count` free ports, none of them in `taken`. All are held open until the last is found, so they differ. */
export async function freePorts(
  count: number,
  taken: ReadonlySet<number>,
): Promise<number[]> {
  const held: Server[] = [];
  const ports: number[] = [];
  try {
    while (ports.length < count) {
      const server = await listen(0, host);
      held.push(server);
      const { port } = server.address() as { port: number };
      if (!taken.has(port)) ports.push(port);
    }
  } finally {
    await Promise.all(held.map(close));
  }
  return ports;
}

function listen(port: number, address: string | undefined): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", reject);
    server.listen({ port, host: address, exclusive: true }, () =>
      resolve(server),
    );
  });
}

const close = (server: Server) =>
  new Promise<void>((resolve) => server.close(() => resolve()));
