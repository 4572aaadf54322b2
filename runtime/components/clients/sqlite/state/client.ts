/** The sidecar's side of a state database's thread. Requests that arrive while a batch is being stored go together in the next one. */
import { Worker } from "node:worker_threads";
import { workerFile } from "../../../../shared/worker-file.ts";
import {
  isRead,
  parked,
  type FromStateWorker,
  type Outcome,
  type StateFileOptions,
  type StateTask,
  type ToStateWorker,
} from "./protocol.ts";
import { startTimer } from "../../../../shared/timers.ts";

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
  /** Writes that wait for another program's transaction, batch by batch. Meanwhile only reads are sent. */
  #parked: Waiting[][] = [];
  #isScheduled = false;
  #timer: NodeJS.Timeout | undefined;
  #control: PromiseWithResolvers<void> | undefined;
  #idle: PromiseWithResolvers<void> | undefined;
  #closing: Promise<void> | undefined;

  constructor(options: StateClientOptions) {
    this.#options = options;
  }

  /** Starts the thread and opens the file; called again if the thread died. */
  open(): Promise<void> {
    const { timeoutMs: _, onProblem: __, ...options } = this.#options;
    const worker = new Worker(
      workerFile(import.meta.dirname, "worker.ts", "sqlite-state-worker"),
      {
        // node:sqlite announces itself as experimental in earlier releases of Node 24.
        execArgv: ["--disable-warning=ExperimentalWarning"],
        resourceLimits: { maxYoungGenerationSizeMb: 4 },
      },
    );
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

  /** Resolves once the task is done and durable. Rejects if the thread ends or does not answer in time. */
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
      // Requests of the same turn of the event loop go together.
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
    const batch = this.#nextBatch();
    if (batch.length === 0) return;
    this.#sent = batch;
    const tasks = this.#sent.map(({ task }) => task);
    this.#watch();
    this.#worker.postMessage({ op: "tasks", tasks } satisfies ToStateWorker);
  }

  /** True while the thread owes an answer. */
  #watch(): void {
    clearTimeout(this.#timer);
    if (this.#sent || this.#parked.length > 0)
      this.#timer = startTimer(() => this.#late(), this.#options.timeoutMs);
  }

  /** The next batch; empty if only writes wait and others are parked before them. */
  #nextBatch(): Waiting[] {
    if (this.#parked.length > 0) {
      const reads = this.#queue.filter(({ task }) => isRead(task));
      if (reads.length > 0)
        this.#queue = this.#queue.filter(({ task }) => !isRead(task));
      return reads;
    }
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
    if ("late" in message) {
      const batch = this.#parked.shift() ?? [];
      batch.forEach(({ resolve }, i) => resolve(message.late[i]!));
      this.#watch();
      return this.#send();
    }
    const batch = this.#sent ?? [];
    this.#sent = undefined;
    const { outcomes } = message;
    const held: Waiting[] = [];
    batch.forEach((waiting, i) => {
      const outcome = outcomes[i]!;
      if (outcome === parked) held.push(waiting);
      else waiting.resolve(outcome);
    });
    if (outcomes.includes(parked)) this.#parked.push(held);
    this.#watch();
    this.#send();
  }

  /** Called when the disk or a lock holds up the thread. Callers do not wait longer than agreed; the thread goes on. */
  #late(): void {
    const { label, timeoutMs } = this.#options;
    const silence = `${label}: no answer within ${timeoutMs / 1000} s`;
    const advice = "check the disk, or raise timeout";
    this.#failAll(
      new Error(`${silence}; ${advice}`),
      new Error(`${silence}, so it may still be stored or not; ${advice}`),
    );
    this.#watch();
  }

  /** `open` is for writes that were sent and have an unknown outcome. */
  #failAll(error: Error, open: Error): void {
    const sent = [...(this.#sent ?? []), ...this.#parked.flat()];
    const queue = this.#queue;
    // The answer to what was sent will still come, but nobody waits for it.
    if (this.#sent) this.#sent = [];
    this.#parked = this.#parked.map(() => []);
    this.#queue = [];
    this.#queuedBytes = 0;
    for (const { task, reject } of sent) reject(isRead(task) ? error : open);
    for (const { reject } of queue) reject(error);
  }

  #lose(worker: Worker, cause: string): void {
    if (this.#worker !== worker) return;
    this.#worker = undefined;
    clearTimeout(this.#timer);
    const { label } = this.#options;
    const end = `the database's thread has ended: ${cause}`;
    const error = new Error(`${label}: ${end}`);
    this.#control?.reject(error);
    this.#control = undefined;
    this.#failAll(
      error,
      new Error(`${label}: ${end}; the request may have been done or not`),
    );
    this.#sent = undefined;
    this.#parked = [];
    this.#settle();
  }

  #reopen(): void {
    this.open().then(
      () => this.#send(),
      (error: Error) => this.#failAll(error, error),
    );
  }

  get #isIdle(): boolean {
    return !this.#sent && this.#queue.length === 0 && this.#parked.length === 0;
  }

  #settle(): void {
    if (this.#isIdle) this.#idle?.resolve();
  }

  /** Waits for what is under way, then closes the file. */
  close(): Promise<void> {
    return (this.#closing ??= this.#close());
  }

  async #close(): Promise<void> {
    if (!this.#isIdle) {
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
