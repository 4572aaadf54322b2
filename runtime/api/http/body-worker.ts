/** The thread of body-thread.ts: bytes in, a parsed body or what is wrong with it out. */
import { parentPort } from "node:worker_threads";
import { bodyKinds } from "./body-kinds.ts";
import type { FromWorker, ToWorker } from "./body-thread.ts";

parentPort!.on("message", ({ id, kind, bytes }: ToWorker) => {
  let answer: FromWorker;
  try {
    answer = { id, body: bodyKinds[kind].parse(new Uint8Array(bytes)) };
  } catch (error) {
    answer = { id, malformed: (error as Error).message };
  }
  const data =
    "body" in answer && "data" in answer.body ? answer.body.data : undefined;
  const buffer = typeof data === "string" ? undefined : data?.buffer;
  // A short one lies in Node's pool of buffers, which can't be handed over: it is copied.
  const isBig = buffer !== undefined && buffer.byteLength > Buffer.poolSize;
  parentPort!.postMessage(answer, isBig ? [buffer as ArrayBuffer] : []);
});
