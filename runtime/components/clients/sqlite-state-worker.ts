/**
 * The thread of one state database: node:sqlite is synchronous, so it must not
 * run where the sidecar answers requests. What came together is committed
 * together; each task still succeeds or fails by itself.
 */
import { parentPort } from "node:worker_threads";
import { explain, needsReopen } from "./sqlite-errors.ts";
import { Mismatch, StateFile } from "./sqlite-state-file.ts";
import type {
  FromStateWorker,
  Outcome,
  StateFileOptions,
  StateTask,
  ToStateWorker,
} from "./sqlite-state-protocol.ts";
import { startInterval } from "../../timers.ts";

const port = parentPort!;
let options: StateFileOptions;
let opened: StateFile | undefined;
let isDoubtful = false;
let timer: NodeJS.Timeout | undefined;

const tell = (message: FromStateWorker) => port.postMessage(message);

const advice =
  "full: no space left on the disk; nothing of this request is stored, free space and try again";

/** What to tell of an error; after some the connection is trusted no more. */
function failure(error: unknown): { error: string } {
  isDoubtful ||= needsReopen(error);
  return { error: explain(error, options.label, advice).message };
}

function file(): StateFile {
  if (isDoubtful) {
    opened?.close();
    opened = undefined;
    isDoubtful = false;
  }
  return (opened ??= new StateFile(options));
}

function open(wanted: StateFileOptions) {
  options = wanted;
  file();
  if (options.cleanupIntervalMs > 0)
    timer = startInterval(() => sweep(true), options.cleanupIntervalMs);
}

/** Step by step, so that requests get their turn. */
function sweep(begin: boolean) {
  try {
    if (file().sweep(begin)) setImmediate(() => timer && sweep(false));
  } catch (error) {
    tell({
      problem: `expired values were not removed: ${failure(error).error}`,
    });
  }
}

function run(tasks: StateTask[]): Outcome[] {
  if (tasks.every(({ op }) => op === "get"))
    return tasks.map((task) => attempt(task));
  try {
    const database = file();
    const outcomes = database.transaction(() =>
      tasks.map((task) => {
        const outcome = attempt(task, database);
        if (!database.isInTransaction)
          throw new Error((outcome as { error: string }).error);
        return outcome;
      }),
    );
    database.verify();
    return outcomes;
  } catch (error) {
    // No write is stored. What a read saw may be one of them: read again.
    const lost = failure(error);
    return tasks.map((task) => (task.op === "get" ? attempt(task) : lost));
  }
}

function attempt(task: StateTask, within?: StateFile): Outcome {
  try {
    const database = within ?? file();
    if (task.op === "get") return database.get(task.key);
    if (task.op !== "multi") database.write(task);
    else database.part(() => task.writes.forEach((one) => database.write(one)));
    return null;
  } catch (error) {
    return error instanceof Mismatch ? "mismatch" : failure(error);
  }
}

port.on("message", (message: ToStateWorker) => {
  if (message.op === "tasks") return tell({ outcomes: run(message.tasks) });
  try {
    if (message.op === "open") open(message.options);
    else {
      clearInterval(timer);
      timer = undefined;
      opened?.close();
    }
    tell({ done: true });
  } catch (error) {
    tell({ done: true, ...failure(error) });
  }
});
