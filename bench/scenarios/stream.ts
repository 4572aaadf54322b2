/** Sends 100 MB in chunks through two sidecars, to the app and back from it. Measures how much memory each needs for it. */
import { createServer, request, type Server } from "node:http";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { Readable } from "node:stream";
import { text } from "node:stream/consumers";
import { pipeline } from "node:stream/promises";
import type { Backend } from "../backends/backend.ts";
import type { Bench, Measurement, Scenario } from "../bench.ts";
import { invokePath, startPeers } from "../peers.ts";
import { memoryMb, resetPeak } from "../proc.ts";
import type { Target } from "../sidecar.ts";

const totalBytes = 100e6;
const piece = Buffer.alloc(50_000, "x");

export const stream: Scenario<Backend> = async (bench, target) => {
  const app = await startApp();
  try {
    return [
      ...(await oneWay(bench, target, app, "up")),
      ...(await oneWay(bench, target, app, "down")),
    ];
  } finally {
    app.closeAllConnections();
    await app[Symbol.asyncDispose]();
  }
};

type Direction = "up" | "down";

async function oneWay(
  bench: Bench,
  target: Target,
  app: Server,
  direction: Direction,
): Promise<Measurement[]> {
  const peers = await startPeers(bench, target, {
    appPort: (app.address() as AddressInfo).port,
    args: ["--max-body-size", "200Mi"],
  });
  const both = [peers.caller, peers.callee];
  const before = both.map(({ pid }) => memoryMb(pid).now);
  for (const { pid } of both) resetPeak(pid);
  const startedAt = performance.now();
  const bytes = await send(
    peers.caller.httpPort,
    invokePath(peers.callee, direction),
    direction,
  );
  const tookMs = performance.now() - startedAt;
  const after = both.map(({ pid }) => memoryMb(pid).peak);
  await peers.stop();
  if (bytes !== totalBytes)
    throw new Error(`LOST: ${bytes} of ${totalBytes} bytes went ${direction}`);
  return [
    {
      metric: `100 MB ${direction}: rate`,
      unit: "MB/s",
      better: "higher",
      value: totalBytes / 1e3 / tookMs,
    },
    ...["caller", "callee"].map((role, i): Measurement => ({
      metric: `100 MB ${direction}: memory added, ${role}`,
      unit: "MB",
      better: "lower",
      value: after[i]! - before[i]!,
    })),
  ];
}

/** `/up` answers with the number of bytes that arrived. `/down` sends 100 MB. */
async function startApp(): Promise<Server> {
  const server = createServer((incoming, response) => {
    const sent =
      incoming.url === "/down" ? pipeline(pieces(), response) : undefined;
    const got = countBytes(incoming).then((count) => {
      if (sent === undefined) response.end(String(count));
    });
    // When a sidecar closes the connection early, the byte count shows it.
    Promise.all([sent, got]).catch(() => response.destroy());
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  return server;
}

/** Resolves with the number of bytes that arrived at the other end. */
async function send(
  port: number,
  path: string,
  direction: Direction,
): Promise<number> {
  const outgoing = request({ host: "127.0.0.1", port, path, method: "POST" });
  const answered = once(outgoing, "response");
  const [[response]] = await Promise.all([
    answered,
    direction === "up"
      ? pipeline(pieces(), outgoing)
      : void outgoing.end() /* nothing to say */,
  ]);
  if (direction === "down" && response.statusCode === 200)
    return countBytes(response);
  const answer = await text(response);
  if (response.statusCode !== 200)
    throw new Error(
      `100 MB ${direction}: HTTP ${response.statusCode}: ${answer}`,
    );
  return Number(answer);
}

/** The body is a stream of unknown length, so it is sent in chunks. */
const pieces = () =>
  Readable.from(
    (function* () {
      for (let sent = 0; sent < totalBytes; sent += piece.length) yield piece;
    })(),
    { objectMode: false },
  );

async function countBytes(from: AsyncIterable<Buffer>): Promise<number> {
  let count = 0;
  for await (const chunk of from) count += chunk.length;
  return count;
}
