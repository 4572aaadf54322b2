/** One component's use of a database file: appends with group commit, and readers. */
import { resolve } from "node:path";
import type {
  FileOptions,
  GroupOptions,
  ReaderEvent,
  ReaderOptions,
  Request,
} from "./protocol.ts";
import type { Progress } from "./protocol.ts";
import type { Entry } from "./log.ts";
import { currentThread, leaveThread, useThread } from "./thread.ts";
import type { DatabaseThread } from "./thread.ts";

/** A request of this component; the file is added here. */
type Local<R> = R extends { path: string } ? Omit<R, "path"> : never;

export interface NewMessage {
  topic: string;
  partition: number;
  key: string | undefined;
  headers: Record<string, string>;
  /** Undefined is a null record. */
  value: Uint8Array | undefined;
}

/** What is stored in one transaction or not at all. */
interface Queued {
  messages: readonly NewMessage[];
  bytes: number;
  stored: () => void;
  failed: (error: Error) => void;
}

const batchLimit = { messages: 1000, bytes: 8 << 20 };
const queueLimitBytes = 64 << 20;

export class LogClient {
  readonly path: string;
  readonly #partitions: number;
  readonly #options: FileOptions;
  #thread: DatabaseThread | undefined;
  #opening: Promise<unknown> | undefined;
  #queue: Queued[] = [];
  #queuedBytes = 0;
  #sending: Promise<void> | undefined;
  #closing: Promise<void> | undefined;

  /** New topics get so many `partitions`. */
  constructor(path: string, partitions: number, options: FileOptions) {
    this.#partitions = partitions;
    this.path = resolve(path);
    this.#options = options;
    useThread();
  }

  /** Opens the file first if it is not open: at the start, and after the thread died. */
  async request(
    request: Local<Request>,
    transfer: ArrayBuffer[] = [],
  ): Promise<number | undefined> {
    const thread = this.#ready() ?? (await this.#open());
    return thread.request({ ...request, path: this.path } as Request, transfer);
  }

  #ready(): DatabaseThread | undefined {
    return this.#thread?.alive ? this.#thread : undefined;
  }

  async #open(): Promise<DatabaseThread> {
    if (this.#closing) throw new Error(`${this.path}: closed`);
    const thread = currentThread();
    this.#opening ??= thread
      .request({ op: "open", path: this.path, options: this.#options })
      .then(() => (this.#thread = thread))
      .finally(() => (this.#opening = undefined));
    await this.#opening;
    return thread;
  }

  /** Opens the file now. Rejects if that can't be done. */
  async open(): Promise<void> {
    if (!this.#ready()) await this.#open();
  }

  async topic(topic: string): Promise<number> {
    const partitions = this.#partitions;
    return (await this.request({ op: "topic", topic, partitions }))!;
  }

  async register(options: GroupOptions): Promise<void> {
    await this.request({ op: "register", options });
  }

  /** Resolves once the message is stored. Messages that arrive while a batch is being stored go together in the next one. */
  append(message: NewMessage): Promise<void> {
    return this.appendAll([message]);
  }

  /** The same for several: all of them are stored, in one transaction, or none. */
  appendAll(messages: readonly NewMessage[]): Promise<void> {
    if (this.#closing) return Promise.reject(new Error(`${this.path}: closed`));
    const bytes = messages.reduce(
      (sum, { value }) => sum + (value?.byteLength ?? 0),
      0,
    );
    if (this.#queuedBytes > 0 && this.#queuedBytes + bytes > queueLimitBytes)
      return Promise.reject(
        new Error(
          `${this.path}: too many messages are waiting to be stored; send slower`,
        ),
      );
    this.#queuedBytes += bytes;
    return new Promise((stored, failed) => {
      this.#queue.push({ messages, bytes, stored, failed });
      this.#sending ??= this.#sendAll().finally(
        () => (this.#sending = undefined),
      );
    });
  }

  async #sendAll(): Promise<void> {
    // Messages of the same turn of the event loop go together.
    await new Promise<void>((resolve) => queueMicrotask(resolve));
    while (this.#queue.length > 0) {
      const batch = this.#nextBatch();
      const { entries, data } = pack(batch.flatMap(({ messages }) => messages));
      try {
        await this.request(
          { op: "append", partitions: this.#partitions, entries, data },
          [data.buffer],
        );
        for (const { stored } of batch) stored();
      } catch (error) {
        for (const { failed } of batch) failed(error as Error);
      }
    }
  }

  #nextBatch(): Queued[] {
    let bytes = 0;
    let messages = 0;
    let count = 0;
    for (const next of this.#queue) {
      bytes += next.bytes;
      messages += next.messages.length;
      if (
        count > 0 &&
        (messages > batchLimit.messages || bytes > batchLimit.bytes)
      )
        break;
      count++;
    }
    const batch = this.#queue.splice(0, count);
    for (const { bytes } of batch) this.#queuedBytes -= bytes;
    return batch;
  }

  async join(
    reader: number,
    options: ReaderOptions,
    lease: SharedArrayBuffer,
    listener: (event: ReaderEvent | "gone") => void,
  ): Promise<void> {
    const thread = this.#ready() ?? (await this.#open());
    thread.listen(reader, listener);
    await thread.request({
      op: "join",
      path: this.path,
      reader,
      options,
      lease,
    });
  }

  async leave(reader: number, progress: Progress[]): Promise<void> {
    try {
      await this.request({ op: "leave", reader, progress });
    } finally {
      this.#thread?.forget(reader);
    }
  }

  /** Stores what is queued, then closes the file. */
  close(): Promise<void> {
    return (this.#closing ??= this.#close());
  }

  async #close(): Promise<void> {
    try {
      await this.#sending;
      await this.#ready()?.request({ op: "close", path: this.path });
    } finally {
      await leaveThread();
    }
  }
}

/** One buffer for all values: it moves to the other thread without a copy per message. */
function pack(batch: readonly NewMessage[]): {
  entries: Entry[];
  data: Uint8Array<ArrayBuffer>;
} {
  const size = batch.reduce(
    (sum, { value }) => sum + (value?.byteLength ?? 0),
    0,
  );
  const data = new Uint8Array(size);
  let at = 0;
  const entries = batch.map(
    ({ topic, partition, key, headers, value }): Entry => {
      if (value) data.set(value, at);
      at += value?.byteLength ?? 0;
      return {
        topic,
        partition,
        key: key ?? null,
        headers:
          Object.keys(headers).length > 0 ? JSON.stringify(headers) : null,
        size: value ? value.byteLength : -1,
      };
    },
  );
  return { entries, data };
}
