/** The sidecar's side of the database's thread. There is one per process: the first open file starts it, the last one ends it. */
import { Worker } from "node:worker_threads";
import { workerFile } from "../../../../shared/worker-file.ts";
import type { FromWorker, ReaderEvent, Request, ToWorker } from "./protocol.ts";

interface Waiting {
  resolve: (value: number | undefined) => void;
  reject: (error: Error) => void;
}

export class DatabaseThread {
  readonly #worker: Worker;
  readonly #waiting = new Map<number, Waiting>();
  readonly #readers = new Map<number, (event: ReaderEvent | "gone") => void>();
  #lastId = 0;
  #failure: Error | undefined;

  constructor() {
    this.#worker = new Worker(
      workerFile(import.meta.dirname, "worker.ts", "sqlite-worker"),
      {
        // node:sqlite announces itself as experimental in earlier releases of Node 24.
        execArgv: ["--disable-warning=ExperimentalWarning"],
        resourceLimits: { maxYoungGenerationSizeMb: 4 },
      },
    );
    this.#worker.on("message", (message: FromWorker) => this.#receive(message));
    this.#worker.on("error", (error) => this.#fail(error));
    this.#worker.on("exit", (status) =>
      this.#fail(new Error(`exit status ${status}`)),
    );
  }

  get alive(): boolean {
    return this.#failure === undefined;
  }

  request(
    request: Request,
    transfer: ArrayBuffer[] = [],
  ): Promise<number | undefined> {
    if (this.#failure) return Promise.reject(this.#failure);
    const id = ++this.#lastId;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      this.#worker.postMessage({ ...request, id } satisfies ToWorker, transfer);
    });
  }

  #receive(message: FromWorker): void {
    if (!("id" in message)) return this.#readers.get(message.reader)?.(message);
    const waiting = this.#waiting.get(message.id);
    this.#waiting.delete(message.id);
    if (message.error === undefined) waiting?.resolve(message.value);
    else waiting?.reject(new Error(message.error));
  }

  /** Events of a reader go to `listener`; `gone` means that the thread has died. */
  listen(
    reader: number,
    listener: (event: ReaderEvent | "gone") => void,
  ): void {
    this.#readers.set(reader, listener);
  }

  forget(reader: number): void {
    this.#readers.delete(reader);
  }

  #fail(cause: Error): void {
    if (this.#failure) return;
    this.#failure = new Error(
      `the embedded broker's thread has ended: ${cause.message}`,
      { cause },
    );
    for (const { reject } of this.#waiting.values()) reject(this.#failure);
    this.#waiting.clear();
    for (const listener of this.#readers.values()) listener("gone");
  }

  async end(): Promise<void> {
    this.#failure ??= new Error("the embedded broker is closed");
    await this.#worker.terminate();
  }
}

let shared: DatabaseThread | undefined;
let users = 0;

/** The process's thread; a new one if the old one has died. */
export function currentThread(): DatabaseThread {
  if (!shared?.alive) shared = new DatabaseThread();
  return shared;
}

export function useThread(): void {
  users++;
}

/** Ends the thread when its last user has left. */
export async function leaveThread(): Promise<void> {
  if (--users > 0) return;
  const ending = shared;
  shared = undefined;
  await ending?.end();
}
