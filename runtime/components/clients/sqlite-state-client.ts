/** The sidecar's side of a state database's thread. What arrives while a batch is being stored goes together in the next. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { Worker } from "node:worker_threads";
import type {
  FromStateWorker,
  Outcome,
  StateFileOptions,
  StateTask,
  ToStateWorker,
} from "./sqlite-state-protocol.ts";
import { startTimer } from "../../timers.ts";

interface Waiting {
  task: StateTask;
  bytes: number;
  resolve(outcome: Outcome): void;
  reject(error: Error): void;
}

const batchLimit = { tasks: 1000, bytes: 8 << 20 };
const queueLimitBytes = 256 << 20;

export interface StateClientOptions extends StateFileOptions {
  /** A request that takes longer fails; it may still be stored. */
  timeoutMs: number;
  onProblem(text: string): void;
}

/** Opens the database. Rejects with an Error that names it. */
export async function openStateFile(
  options: StateClientOptions,
): Promise<StateClient> {
  const client = new StateClient(options);
  try {
    await client.open();
    return client;
  } catch (error) {
    await client.end();
    throw error;
  }
}

export class StateClient {
  readonly #options: StateClientOptions;
  #worker: Worker | undefined;
  #queue: Waiting[] = [];
  #queuedBytes = 0;
  #sent: Waiting[] | undefined;
  #isScheduled = false;
  #timer: NodeJS.Timeout | undefined;
  #control: PromiseWithResolvers<void> | undefined;
  #idle: PromiseWithResolvers<void> | undefined;
  #closing: Promise<void> | undefined;

  constructor(options: StateClientOptions) {
    this.#options = options;
  }

  /** Starts the thread and opens the file; again after the thread died. */
  open(): Promise<void> {
    const { timeoutMs: _, onProblem: __, ...options } = this.#options;
    const worker = new Worker(workerFile(), {
      // node:sqlite announces itself as experimental in earlier releases of Node 24.
      execArgv: ["--disable-warning=ExperimentalWarning"],
      resourceLimits: { maxYoungGenerationSizeMb: 4 },
    });
    this.#worker = worker;
    worker.on("message", (message: FromStateWorker) => this.#receive(message));
    worker.on("error", (error) => this.#lose(worker, error.message));
    worker.on("exit", (status) => this.#lose(worker, `exit status ${status}`));
    return this.#tell({ op: "open", options });
  }

  #tell(message: ToStateWorker): Promise<void> {
    this.#control = Promise.withResolvers();
    this.#worker!.postMessage(message);
    return this.#control.promise;
  }

  /** Resolves once the task is done, durably. Rejects when the thread ends or does not answer in time. */
  run(task: StateTask, bytes = 0): Promise<Outcome> {
    const { label } = this.#options;
    if (this.#closing) return Promise.reject(new Error(`${label}: closed`));
    if (this.#queuedBytes > 0 && this.#queuedBytes + bytes > queueLimitBytes)
      return Promise.reject(
        new Error(`${label}: too much waits to be stored; send slower`),
      );
    this.#queuedBytes += bytes;
    return new Promise((resolve, reject) => {
      this.#queue.push({ task, bytes, resolve, reject });
      if (this.#sent || this.#isScheduled) return;
      this.#isScheduled = true;
      // Requests of the same turn go together.
      setImmediate(() => {
        this.#isScheduled = false;
        this.#send();
      });
    });
  }

  #send(): void {
    if (this.#sent || this.#queue.length === 0) return this.#settle();
    if (!this.#worker) {
      this.#reopen();
      return;
    }
    this.#sent = this.#nextBatch();
    const tasks = this.#sent.map(({ task }) => task);
    this.#timer = startTimer(() => this.#late(), this.#options.timeoutMs);
    this.#worker.postMessage({ op: "tasks", tasks } satisfies ToStateWorker);
  }

  #nextBatch(): Waiting[] {
    let bytes = 0;
    let count = 0;
    for (const waiting of this.#queue) {
      bytes += waiting.bytes;
      if (count === batchLimit.tasks) break;
      if (count > 0 && bytes > batchLimit.bytes) break;
      count++;
    }
    const batch = this.#queue.splice(0, count);
    for (const one of batch) this.#queuedBytes -= one.bytes;
    return batch;
  }

  #receive(message: FromStateWorker): void {
    if ("problem" in message) return this.#options.onProblem(message.problem);
    if ("done" in message) {
      const control = this.#control;
      this.#control = undefined;
      if (message.error === undefined) control?.resolve();
      else control?.reject(new Error(message.error));
      return;
    }
    clearTimeout(this.#timer);
    const batch = this.#sent ?? [];
    this.#sent = undefined;
    const { outcomes } = message;
    batch.forEach(({ resolve }, i) => resolve(outcomes[i]!));
    this.#send();
  }

  /** The disk or a lock holds the thread: nobody waits longer than agreed, the thread goes on. */
  #late(): void {
    const { label, timeoutMs } = this.#options;
    this.#failAll(
      new Error(
        `${label}: no answer within ${timeoutMs / 1000} s; check the disk, or raise timeout`,
      ),
    );
    this.#timer = startTimer(() => this.#late(), timeoutMs);
  }

  #failAll(error: Error): void {
    const all = [...(this.#sent ?? []), ...this.#queue];
    // The answer to what was sent still comes, and finds nobody.
    if (this.#sent) this.#sent = [];
    this.#queue = [];
    this.#queuedBytes = 0;
    for (const { reject } of all) reject(error);
  }

  #lose(worker: Worker, cause: string): void {
    if (this.#worker !== worker) return;
    this.#worker = undefined;
    clearTimeout(this.#timer);
    const error = new Error(
      `${this.#options.label}: the database's thread has ended: ${cause}`,
    );
    this.#control?.reject(error);
    this.#control = undefined;
    this.#failAll(error);
    this.#sent = undefined;
    this.#settle();
  }

  #reopen(): void {
    this.open().then(
      () => this.#send(),
      (error: Error) => this.#failAll(error),
    );
  }

  #settle(): void {
    if (!this.#sent && this.#queue.length === 0) this.#idle?.resolve();
  }

  /** Waits for what is under way, then closes the file. */
  close(): Promise<void> {
    return (this.#closing ??= this.#close());
  }

  async #close(): Promise<void> {
    if (this.#sent || this.#queue.length > 0) {
      this.#idle = Promise.withResolvers();
      await this.#idle.promise;
    }
    try {
      if (this.#worker) await this.#tell({ op: "close" });
    } finally {
      await this.end();
    }
  }

  async end(): Promise<void> {
    clearTimeout(this.#timer);
    const worker = this.#worker;
    this.#worker = undefined;
    await worker?.terminate();
  }
}

/** Beside this file as source, in the bundle's root otherwise (scripts/build.ts). */
function workerFile(): string {
  const here = import.meta.dirname;
  const names = [
    "sqlite-state-worker.ts",
    "sqlite-state-worker.js",
    "../sqlite-state-worker.js",
  ];
  const files = names.map((name) => join(here, name));
  const found = files.find((file) => existsSync(file));
  if (!found)
    throw new Error(
      `the state database's thread is missing beside ${here}; run npm run prepare`,
    );
  return found;
}
