/**
 * The thread of one state database: node:sqlite is synchronous, so it must not
 * run where the sidecar answers requests. Tasks that came together are committed
 * together, but each succeeds or fails by itself. Writes that another
 * program's transaction holds up are parked, so that reads go on.
 */
import { parentPort } from "node:worker_threads";
import {
  code,
  explain,
  LockedError,
  Mismatch,
  needsReopen,
  sqliteCode,
} from "../errors.ts";
import { StateFile } from "./file.ts";
import {
  isRead,
  parked,
  type FromStateWorker,
  type Outcome,
  type StateFileOptions,
  type StateTask,
  type ToStateWorker,
} from "./protocol.ts";
import { watchIdleMemory } from "../../../../shared/memory/idle-memory.ts";
import { startInterval } from "../../../../shared/timers.ts";

const port = parentPort!;
watchIdleMemory();
let options: StateFileOptions;
let opened: StateFile | undefined;
let isDoubtful = false;
let timer: NodeJS.Timeout | undefined;

const tell = (message: FromStateWorker) => port.postMessage(message);

const advice =
  "full: no space left on the disk; nothing of this request is done (a delete takes a little room too: it is written down first), free space and try again";

/** How long reads wait for a lock that a write wants. */
const sliceMs = 4;

const sweepAgainMs = 100;

/** Writes that wait for another program's transaction, and `until` when. */
const waiting: { tasks: StateTask[]; until: number }[] = [];

/** What to say of an error. After some errors the connection is not used again. */
function failure(error: unknown): { error: string } {
  isDoubtful ||= needsReopen(error);
  return { error: explain(error, options.label, advice).message };
}

function file(): StateFile {
  if (isDoubtful || opened?.isStale) {
    opened?.close();
    opened = undefined;
    isDoubtful = false;
  }
  return (opened ??= StateFile.open(options));
}

function open(wanted: StateFileOptions) {
  options = wanted;
  file();
  if (options.cleanupIntervalMs > 0)
    timer = startInterval(() => sweep(true), options.cleanupIntervalMs);
}

/** Runs step by step, so that requests get their turn. */
function sweep(begin: boolean) {
  try {
    if (file().sweep(begin, sliceMs)) setImmediate(() => timer && sweep(false));
  } catch (error) {
    // Whoever holds the file will be done soon; reads must not wait for that.
    if (error instanceof LockedError)
      return void setTimeout(() => timer && sweep(begin), sweepAgainMs);
    tell({
      problem: `expired values were not removed: ${failure(error).error}`,
    });
  }
}

function run(tasks: StateTask[]): (Outcome | typeof parked)[] {
  if (tasks.every(isRead)) return tasks.map((task) => attempt(task));
  const until = performance.now() + options.busyTimeoutMs;
  const outcomes =
    waiting.length > 0 ? undefined : commit(tasks, performance.now() >= until);
  if (outcomes) return outcomes;
  waiting.push({ tasks: tasks.filter((task) => !isRead(task)), until });
  if (waiting.length === 1) setImmediate(commitWaiting);
  return tasks.map((task) => (isRead(task) ? attempt(task) : parked));
}

/** Runs in slices, so that other requests get their turn. */
function commitWaiting() {
  const [{ tasks, until }] = waiting as [(typeof waiting)[0]];
  const late = commit(tasks, performance.now() >= until);
  if (late) {
    waiting.shift();
    tell({ late });
  }
  if (waiting.length > 0) setImmediate(commitWaiting);
}

/** Runs all in one transaction. Undefined if another program's transaction holds it up, unless `isLast`. */
function commit(tasks: StateTask[], isLast: boolean): Outcome[] | undefined {
  try {
    return together(tasks);
  } catch (error) {
    if (error instanceof LockedError && !isLast) return undefined;
    if (sqliteCode(error) === code.full) return inLittleRoom(tasks);
    return lost(tasks, error);
  }
}

function together(tasks: StateTask[]): Outcome[] {
  const database = file();
  const outcomes = database.transaction(
    () =>
      tasks.map((task) => {
        const outcome = attempt(task, database);
        if (!database.isInTransaction) throw spoiled;
        return outcome;
      }),
    sliceMs,
  );
  database.verify();
  return outcomes;
}

/** Called when no write was stored. A read may have seen one of them, so reads are repeated. */
function lost(tasks: StateTask[], error: unknown): Outcome[] {
  const told = failure(error);
  return tasks.map((task) => (isRead(task) ? attempt(task) : told));
}

/** Called when the disk is full: the log may fit into the file, and then at least deletes may pass. */
function inLittleRoom(tasks: StateTask[]): Outcome[] {
  try {
    file().shortenLog();
    return together(tasks);
  } catch (error) {
    const deletes = tasks.filter(({ op }) => op === "delete");
    if (deletes.length === 0 || deletes.length === tasks.length)
      return lost(tasks, error);
    let passed: Outcome[];
    try {
      passed = together(deletes);
    } catch (again) {
      return lost(tasks, again);
    }
    const others = lost(
      tasks.filter(({ op }) => op !== "delete"),
      error,
    );
    return tasks.map(({ op }) =>
      op === "delete" ? passed.shift()! : others.shift()!,
    );
  }
}

/** The error that rolled back the transaction of all tasks. */
let spoiled: unknown;

function attempt(task: StateTask, within?: StateFile): Outcome {
  try {
    const database = within ?? file();
    if (task.op === "get") return database.get(task.key);
    if (task.op === "gets") return { rows: database.getAll(task.keys) };
    if (task.op === "list")
      return { listed: database.keys(task.prefix, task.after, task.limit) };
    if (task.op !== "multi") database.write(task);
    else database.part(() => task.writes.forEach((one) => database.write(one)));
    return null;
  } catch (error) {
    spoiled = error;
    return error instanceof Mismatch ? "mismatch" : failure(error);
  }
}

function close() {
  clearInterval(timer);
  timer = undefined;
  opened?.close();
}

port.on("message", (message: ToStateWorker) => {
  if (message.op === "tasks") return tell({ outcomes: run(message.tasks) });
  try {
    if (message.op === "open") open(message.options);
    else close();
    tell({ done: true });
  } catch (error) {
    tell({ done: true, ...failure(error) });
  }
});
