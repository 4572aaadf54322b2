/**
 * Parses big bodies in a thread of its own, so that megabytes of JSON hold up
 * nobody else. It starts with the first big body, ends after a quiet while, and
 * a body that exhausts its memory costs that thread only.
 */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { Worker } from "node:worker_threads";
import { ApiError } from "../../errors.ts";
import type { BindingBody } from "./binding-body.ts";

export type FromWorker = { id: number } & (
  { body: BindingBody } | { malformed: string }
);

const idleMs = 5000;
const limits = { maxYoungGenerationSizeMb: 8, maxOldGenerationSizeMb: 512 };

interface Waiting {
  resolve(body: BindingBody): void;
  reject(error: Error): void;
}

let worker: Worker | undefined;
let idle: NodeJS.Timeout | undefined;
let lastId = 0;
const waiting = new Map<number, Waiting>();

/** Takes the bytes: they are gone from this thread afterwards. Rejects with {@link ApiError}. */
export function parseApart(bytes: Buffer): Promise<BindingBody> {
  clearTimeout(idle);
  worker ??= startWorker();
  const id = ++lastId;
  // A slice of a larger block can't be handed over without the rest of it.
  const own =
    bytes.byteLength === bytes.buffer.byteLength
      ? (bytes.buffer as ArrayBuffer)
      : new Uint8Array(bytes).buffer;
  worker.postMessage({ id, bytes: own }, [own]);
  return new Promise((resolve, reject) => waiting.set(id, { resolve, reject }));
}

function startWorker(): Worker {
  const started = new Worker(workerFile(), { resourceLimits: limits });
  started.unref();
  started.on("message", (message: FromWorker) => {
    const { resolve, reject } = waiting.get(message.id)!;
    waiting.delete(message.id);
    if ("body" in message) resolve(message.body);
    else reject(new ApiError("malformedBody", [message.malformed]));
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
    for (const { reject } of lost)
      reject(new ApiError("malformedBody", [`too large to parse: ${cause}`]));
  });
  return started;
}

/** Beside this file, or beside the bundle it became part of. */
function workerFile(): string {
  const names = ["body-worker.ts", "body-worker.js", "../body-worker.js"];
  const files = names.map((name) => join(import.meta.dirname, name));
  const found = files.find((file) => existsSync(file));
  if (!found) throw new Error(`none of ${files.join(", ")} exists`);
  return found;
}
