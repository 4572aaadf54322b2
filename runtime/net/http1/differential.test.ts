/**
 * Our reading of answers beside Node's own: ours takes none that Node's refuses
 * or reads differently, and keeps no connection that Node's would not.
 *
 * A million, some minutes of one core; DAPR_TEST_SEED=n repeats a run:
 * DAPR_TEST_MUTATIONS=1000000 node_modules/.bin/node tests/node_modules/jest/bin/jest.js --config=tests/jest.config.mjs http1-differential
 */
import {
  drillSeed as seed,
  randomizer,
} from "../../../tests/support/randomizer.ts";
import {
  writeAnswer,
  type WrittenAnswer,
} from "../../../tests/support/http-answers.ts";
import {
  readAsNode,
  type ReadAnswer,
} from "../../../tests/support/node-answer.ts";
import { createResponseParser } from "./parser.ts";

const count = Number(process.env["DAPR_TEST_MUTATIONS"] ?? 6000);
const batch = 100;

/** As the connection would, without one. */
function readAsWe({ method, pieces, closes }: WrittenAnswer): ReadAnswer {
  const read: ReadAnswer = { body: "", isWhole: false, isKept: false };
  let keepAlive = false;
  const parser = createResponseParser({
    onHead(head) {
      read.status = head.status;
      read.headers = head.headers;
      keepAlive = head.keepAlive;
    },
    onData: (bytes) => (read.body += bytes.toString("latin1")),
    onEnd: () => (read.isWhole = true),
  });
  parser.begin(method === "HEAD");
  try {
    for (const piece of pieces)
      if (!read.isWhole) parser.feed(Buffer.from(piece));
    if (closes && !read.isWhole) parser.finish();
  } catch (error) {
    read.error = error as Error;
  }
  read.isKept = read.isWhole && keepAlive && !parser.hasExcess() && !closes;
  return read;
}

/** What of ours is not as Node has it; undefined if nothing is. */
function difference(ours: ReadAnswer, nodes: ReadAnswer): string | undefined {
  if (ours.status === undefined) return undefined;
  if (nodes.status === undefined) return "Node refuses the head";
  if (ours.status !== nodes.status) return "another status";
  if (ours.headers!.join("\n") !== nodes.headers!.join("\n"))
    return "other headers";
  if (!nodes.body.startsWith(ours.body)) return "another body";
  if (!ours.isWhole) return undefined;
  if (!nodes.isWhole) return "Node refuses the rest";
  if (ours.body !== nodes.body) return "half a body";
  if (ours.isKept && !nodes.isKept) return "a connection Node would not keep";
  return undefined;
}

test(
  `of ${count} answers, mutated by seed ${seed}, ours takes none that Node's refuses or reads differently`,
  async () => {
    Error.stackTraceLimit = 0; // most of Node's answers are errors
    const random = randomizer(seed);
    const found: unknown[] = [];
    let taken = 0;
    let refused = 0;
    for (let done = 0; done < count && found.length < 5; done += batch)
      await Promise.all(
        Array.from({ length: batch }, async (_, i) => {
          const kind = random.pick([
            "right",
            "cut",
            "mutated",
            "mutated",
            "mutated",
            "mutated",
            "excess",
          ] as const);
          const written = writeAnswer(`${seed}-${done + i}`, kind, random);
          const nodes = await readAsNode(written);
          const ours = readAsWe(written);
          if (ours.isWhole) taken++;
          else refused++;
          const problem = difference(ours, nodes);
          if (problem)
            found.push({
              problem,
              kind,
              written: {
                ...written,
                pieces: written.pieces.map((piece) =>
                  piece.toString("latin1").slice(0, 400),
                ),
              },
              ours,
              nodes,
            });
        }),
      );
    expect(found).toEqual([]);
    // Neither side is trivially right.
    expect(taken).toBeGreaterThan(count / 10);
    expect(refused).toBeGreaterThan(count / 10);
  },
  20_000 + count * 5,
);
