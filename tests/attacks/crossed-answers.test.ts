/**
 * The answer to one call never reaches another, whatever the app sends: with 1, 4 and
 * any number of calls at a time, directly and through a second sidecar.
 * `DAPR_TEST_MUTATIONS=n` tries n answers for each, `DAPR_TEST_SEED=n` repeats a run.
 */
import { Agent, request } from "node:http";
import type { Socket } from "node:net";
import { stopAll, type Daprd } from "../support/daprd.ts";
import {
  bodyMark,
  writeAnswer,
  type AnswerKind,
} from "../support/http-answers.ts";
import { drillSeed as seed, randomizer } from "../support/randomizer.ts";
import { startRawApp, type RawApp } from "../support/raw-app.ts";
import { startPair } from "../support/sidecar-pair.ts";

const count = Number(process.env["DAPR_TEST_MUTATIONS"] ?? 100);
const callers = 12;

interface Planned {
  kind: AnswerKind;
  bytes: Buffer;
  closes: boolean;
  socket?: Socket;
  /** Ends a call whose answer never becomes complete. */
  timer?: NodeJS.Timeout;
}

const plan = new Map<string, Planned>();
let app: RawApp;
beforeAll(async () => {
  app = await startRawApp((socket) => {
    let text = "";
    socket.on("data", (bytes) => {
      text += bytes.toString("latin1");
      const end = text.indexOf("\r\n\r\n");
      if (end < 0) return;
      const length = Number(/content-length: (\d+)/i.exec(text)?.[1] ?? 0);
      if (text.length < end + 4 + length) return;
      const id = /^\w+ \/q\/(\S+)/.exec(text)?.[1];
      text = "";
      const planned = plan.get(id ?? "");
      if (!planned)
        return void socket.write("HTTP/1.1 404 x\r\nContent-Length: 0\r\n\r\n");
      planned.socket = socket;
      // The answer is written at once: no client can tell an answer from bytes that an app sends later without being asked.
      socket.write(planned.bytes);
      clearTimeout(planned.timer);
      if (planned.closes) socket.end();
      else if (planned.kind === "mutated")
        planned.timer = setTimeout(() => socket.end(), 100);
    });
  });
});
afterEach(stopAll);
afterAll(() => app.close());

const agent = new Agent({ keepAlive: true, maxSockets: callers });
afterAll(() => agent.destroy());

/** Resolves with everything that comes back: head and body, complete or cut. */
const ask = (port: number, method: string, id: string) =>
  new Promise<{ status: number; text: string }>((resolve) => {
    let status = 0;
    let text = "";
    const done = () => resolve({ status, text });
    const call = request(
      {
        agent,
        port,
        method,
        path: `/q/${id}`,
        headers: { "dapr-app-id": "callee", "content-length": 0 },
      },
      (answer) => {
        status = answer.statusCode!;
        text = answer.rawHeaders.join("\n");
        answer
          .setEncoding("latin1")
          .on("data", (part: string) => (text += part));
        answer.on("end", done).on("error", done);
      },
    );
    call.on("error", done).end();
  });

test.each(["1", "4", undefined])(
  `with %s calls at a time, ${count} answers each way, seed ${seed}`,
  async (limit) => {
    const args = limit ? [`--app-max-concurrency=${limit}`] : [];
    const { callee, caller } = await startPair(app.port, { args });
    const random = randomizer(seed);
    const found: unknown[] = [];
    const seen = { whole: 0, refused: 0, cut: 0 };
    let next = 0;
    const worker = async (sidecar: Daprd) => {
      for (let i = next++; i < 2 * count && found.length < 5; i = next++) {
        const id = `${seed}-${limit}-${i}-`;
        const kind = random.pick([
          "right",
          "right",
          "cut",
          "mutated",
          "mutated",
          "excess",
        ] as const);
        const { method, pieces, closes } = writeAnswer(id, kind, random);
        const planned: Planned = { kind, bytes: Buffer.concat(pieces), closes };
        plan.set(id, planned);
        const { status, text } = await ask(sidecar.port, method, id);
        clearTimeout(planned.timer);
        plan.delete(id);
        const wire = planned.bytes.toString("latin1");
        // A mark may be spread over several chunks, and one of them may be mutated.
        const own = wire + wire.replace(/\r\n(?:[0-9a-f]+\r\n)?/gi, "");
        const marks: string[] = text.match(/\[\[[\w-]*\]\]/g) ?? [];
        const foreign = marks.filter(
          (mark) => mark !== bodyMark(id) && !own.includes(mark),
        );
        // A body that ends with its connection contains everything that comes.
        const isBehind =
          kind !== "mutated" && !closes && marks.includes("[[no]]");
        if (foreign.length > 0 || isBehind)
          found.push({
            id,
            kind,
            text: text.slice(0, 300),
            own: own.slice(0, 300),
          });
        if (status === 0) seen.cut++;
        else if (status === 500 && text.includes("ERR_DIRECT_INVOKE"))
          seen.refused++;
        else seen.whole++;
      }
    };
    await Promise.all(
      Array.from({ length: callers }, (_, i) =>
        worker(i % 2 ? caller : callee),
      ),
    );
    expect(found).toEqual([]);
    expect(seen.whole).toBeGreaterThan(count / 3);
    expect(seen.refused).toBeGreaterThan(count / 10);
    for (const sidecar of [callee, caller])
      expect(sidecar.output()).not.toMatch(/level=(error|fatal)/);
  },
  600_000 + count * 200,
);
