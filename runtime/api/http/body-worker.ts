/** The thread of body-thread.ts: bytes in, a parsed body or what is wrong with it out. */
import { parentPort } from "node:worker_threads";
import { parseBody } from "./binding-body.ts";
import type { FromWorker } from "./body-thread.ts";

const prefix = "failed deserializing HTTP body: ";

parentPort!.on(
  "message",
  ({ id, bytes }: { id: number; bytes: ArrayBuffer }) => {
    let answer: FromWorker;
    try {
      answer = { id, body: parseBody(new Uint8Array(bytes)) };
    } catch (error) {
      answer = { id, malformed: (error as Error).message.replace(prefix, "") };
    }
    const buffer = "body" in answer ? answer.body.data?.buffer : undefined;
    // A short one lies in Node's pool, which stays here: copied.
    const isBig = buffer !== undefined && buffer.byteLength > Buffer.poolSize;
    parentPort!.postMessage(answer, isBig ? [buffer as ArrayBuffer] : []);
  },
);
