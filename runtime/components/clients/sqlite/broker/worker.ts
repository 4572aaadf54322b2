/** The database's thread: node:sqlite is synchronous, so it must not run where the sidecar answers requests. */
import { parentPort } from "node:worker_threads";
import { LogFile } from "./file.ts";
import type { FromWorker, ReaderEvent, Request, ToWorker } from "./protocol.ts";

const port = parentPort!;
/** Several components of one sidecar may share a file. */
const files = new Map<string, { file: LogFile; users: number }>();

function handle(request: Request): number | void {
  const found = files.get(request.path);
  if (request.op === "open") {
    const file = found?.file ?? new LogFile(request.path, request.options);
    file.serve(request.options);
    files.set(request.path, { file, users: (found?.users ?? 0) + 1 });
    return;
  }
  if (!found) throw new Error(`${request.path}: closed`);
  const { file } = found;
  switch (request.op) {
    case "topic":
      return file.topic(request.topic, request.partitions);
    case "register":
      return file.register(request.options);
    case "append":
      return file.append(request.entries, request.data, request.partitions);
    case "join":
      return file.join(
        request.reader,
        request.options,
        request.lease,
        teller(request.reader),
      );
    case "verify":
      return file.verify(request.reader);
    case "done":
      return file.done(request.reader, request.progress);
    case "released":
      return file.released(request.reader, request.progress);
    case "leave":
      return file.leave(request.reader, request.progress);
    case "close":
      if (--found.users > 0) return;
      files.delete(request.path);
      return file.close();
  }
}

const teller =
  (reader: number) =>
  (event: ReaderEvent, transfer: ArrayBuffer[] = []): void =>
    port.postMessage({ ...event, reader } satisfies FromWorker, transfer);

port.on("message", ({ id, ...request }: ToWorker) => {
  try {
    const value = handle(request as Request) ?? undefined;
    port.postMessage({ id, value } satisfies FromWorker);
  } catch (error) {
    port.postMessage({
      id,
      error: (error as Error).message,
    } satisfies FromWorker);
  }
});
