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

const port = parentPort!;
let options: StateFileOptions;
let opened: StateFile | undefined;
let timer: NodeJS.Timeout | undefined;

const tell = (message: FromStateWorker) => port.postMessage(message);

const advice =
  "full: no space left on the disk; nothing of this request is stored, free space and try again";

/** What to tell of an error; a connection that can't be trusted any more is given up. */
function failure(error: unknown): { error: string } {
  if (needsReopen(error) && opened) {
    opened.close();
    opened = undefined;
  }
  return { error: explain(error, options.label, advice).message };
}

/** Opens the file again after {@link failure} gave it up. */
const file = () => (opened ??= new StateFile(options));

function open(wanted: StateFileOptions) {
  options = wanted;
  file();
  if (options.cleanupIntervalMs > 0)
    timer = setInterval(() => sweep(true), options.cleanupIntervalMs);
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
  if (tasks.every(({ op }) => op === "get")) return tasks.map(attempt);
  try {
    const outcomes = file().transaction(() =>
      tasks.map((task) => {
        const outcome = attempt(task);
        if (!opened?.isInTransaction)
          throw new Error((outcome as { error: string }).error);
        return outcome;
      }),
    );
    file().verify();
    return outcomes;
  } catch (error) {
    // No write is stored. What a read saw may be one of them: read again.
    const lost = failure(error);
    return tasks.map((task) => (task.op === "get" ? attempt(task) : lost));
  }
}

function attempt(task: StateTask): Outcome {
  try {
    if (task.op === "get") return file().get(task.key);
    if (task.op !== "multi") file().write(task);
    else file().part(() => task.writes.forEach((one) => file().write(one)));
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
