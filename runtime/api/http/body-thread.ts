/**
 * Parses big bodies in a thread of its own, so that megabytes of JSON hold up
 * nobody else. It starts with the first big body, ends after a quiet while, and
 * a body that exhausts its memory costs that thread only.
 */
import type { Worker } from "node:worker_threads";
import { workerFile } from "../../shared/worker-file.ts";
import { ApiError } from "../../contracts/errors.ts";
import { bodyKinds, type BodyKind, type BodyOf } from "./body-kinds.ts";

export interface ToWorker {
  id: number;
  kind: BodyKind;
  bytes: ArrayBuffer;
}

export type FromWorker = { id: number } & (
  { body: BodyOf<BodyKind> } | { /** The whole message. */ malformed: string }
);

const idleMs = 5000;
const limits = { maxYoungGenerationSizeMb: 8, maxOldGenerationSizeMb: 512 };

interface Waiting {
  kind: BodyKind;
  resolve(body: unknown): void;
  reject(error: Error): void;
}

let worker: Worker | undefined;
let idle: NodeJS.Timeout | undefined;
let lastId = 0;
const waiting = new Map<number, Waiting>();

/** Takes the bytes: they are gone from this thread afterwards. Rejects with {@link ApiError}. */
export function parseApart<K extends BodyKind>(
  bytes: Buffer,
  kind: K,
): Promise<BodyOf<K>> {
  clearTimeout(idle);
  worker ??= startWorker();
  const id = ++lastId;
  // Only a whole block of memory can be handed over, so a slice is copied.
  const own =
    bytes.byteLength === bytes.buffer.byteLength
      ? (bytes.buffer as ArrayBuffer)
      : new Uint8Array(bytes).buffer;
  worker.postMessage({ id, kind, bytes: own } satisfies ToWorker, [own]);
  return new Promise((resolve, reject) =>
    waiting.set(id, {
      kind,
      resolve: resolve as Waiting["resolve"],
      reject,
    }),
  );
}

function startWorker(): Worker {
  // Not imported: most sidecars never need it, and it would cost each start 3 ms.
  const threads = process.getBuiltinModule("node:worker_threads");
  const started = new threads.Worker(
    workerFile(import.meta.dirname, "body-worker.ts", "body-worker"),
    { resourceLimits: limits },
  );
  started.unref();
  started.on("message", (message: FromWorker) => {
    const { resolve, reject } = waiting.get(message.id)!;
    waiting.delete(message.id);
    if ("body" in message) resolve(message.body);
    else reject(new ApiError("malformedRequest", [message.malformed]));
    if (waiting.size === 0)
      idle = setTimeout(() => {
        worker = undefined; // a body that comes meanwhile gets a new one
        void started.terminate();
      }, idleMs).unref();
  });
  let cause = "the thread ended";
  started.on("error", (error: Error) => (cause = error.message));
  started.on("exit", () => {
    if (worker !== started) return;
    worker = undefined;
    const lost = [...waiting.values()];
    waiting.clear();
    for (const { kind, reject } of lost)
      reject(
        new ApiError(bodyKinds[kind].malformed, [
          `too large to parse: ${cause}`,
        ]),
      );
  });
  return started;
}
