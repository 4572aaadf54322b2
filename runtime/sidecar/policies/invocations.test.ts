import { Readable } from "node:stream";
import { CallError, type ForwardReply } from "../../contracts/invocation.ts";
import { selectResiliencies } from "../../resources/kinds/resiliency.ts";
import { readDocuments } from "../../resources/values/yaml.ts";
import type { Logger } from "../../shared/log.ts";
import { resiliency } from "../../../tests/support/resiliency.ts";
import { createInvocationPolicies } from "./invocations.ts";
import { createResiliencies } from "./resiliencies.ts";

const nobody = () => {};
const log = {
  debug: nobody,
  info: nobody,
  warn: nobody,
  error: nobody,
} as unknown as Logger;

/** Calls `shop` with these policies; the nth try ends as the nth of `ends`. */
async function open(policies: string, target: string) {
  const resiliencies = createResiliencies({ log, metrics: undefined });
  const text = resiliency(policies, `{apps: {shop: ${target}}}`);
  resiliencies.replace(
    await selectResiliencies(readDocuments(text, "r.yaml"), {
      appId: "own",
      env: {},
      log,
    }),
  );
  const { call } = createInvocationPolicies({ resiliencies, keptBytes: 10 });
  const to = () => ({ target: "shop", keys: ["shop"], endpoint: "shop:x" });
  return async (
    ends: (ForwardReply | Error)[],
    more: { body?: Uint8Array | Readable; headers?: string[] } = {},
  ) => {
    const sent: string[] = [];
    const { body, headers = ["a", "b"] } = more;
    const result = await call(
      to,
      { method: "POST", path: "/x", headers, body },
      async (request) => {
        request.headers.push("own", "1");
        sent.push(
          `${request.headers.join()} ${request.body instanceof Readable ? "stream" : String(request.body)}`,
        );
        const end = ends[sent.length - 1] ?? ends.at(-1)!;
        if (end instanceof Error) throw end;
        return end;
      },
    ).then(
      (reply) => reply,
      (error: Error) => error,
    );
    return { result, sent };
  };
}

const reply = (status: number, more: Partial<ForwardReply> = {}) => ({
  status,
  headers: [],
  body: Buffer.from("x"),
  ...more,
});
const some = "{retries: {some: {duration: 1ms, maxRetries: 2}}}";

test("each try has headers of its own", async () => {
  const send = await open(some, "{retry: some}");
  const { sent } = await send([reply(500), reply(200)]);
  expect(sent).toEqual(["a,b,own,1 undefined", "a,b,own,1 undefined"]);
});

test.each([
  ["known to be short", ["Content-Length", "5"], 3, "hello"],
  ["of unknown length", [], 1, "stream"],
  ["known to be too long", ["content-length", "11"], 1, "stream"],
])("a streamed body %s", async (_, headers, tries, body) => {
  const send = await open(some, "{retry: some}");
  const { result, sent } = await send([reply(500)], {
    headers,
    body: Readable.from([Buffer.from("hello")]),
  });
  expect(sent).toHaveLength(tries);
  expect(sent[0]).toContain(body);
  expect(result).toMatchObject({ status: 500 });
});

test("without retries a body is not kept", async () => {
  const send = await open("{timeouts: {long: 1h}}", "{timeout: long}");
  const { sent } = await send([reply(200)], {
    headers: ["content-length", "5"],
    body: Readable.from([Buffer.from("hello")]),
  });
  expect(sent[0]).toContain("stream");
});

test("the answers of tries before the last are dropped", async () => {
  const send = await open(some, "{retry: some}");
  const bodies = [1, 2, 3].map(() => new Readable({ read() {} }));
  const ends = bodies.map((body) => reply(503, { body }));
  const { result } = await send(ends);
  expect(result).toBe(ends[2]);
  expect(bodies.map(({ destroyed }) => destroyed)).toEqual([true, true, false]);
});

test("a code of gRPC counts, whatever HTTP makes of it", async () => {
  const send = await open(
    '{retries: {some: {duration: 1ms, maxRetries: 2, matching: {gRPCStatusCodes: "14", httpStatusCodes: "500"}}}}',
    "{retry: some}",
  );
  const grpc = (code: number) =>
    reply(code === 0 ? 200 : 500, {
      grpc: { code, message: "", trailers: [] },
    });
  expect((await send([grpc(14)])).sent).toHaveLength(3);
  expect((await send([grpc(5)])).sent).toHaveLength(1);
  expect((await send([grpc(0)])).sent).toHaveLength(1);
  expect((await send([reply(500)])).sent).toHaveLength(3);
  // No answer, no code.
  const away = new CallError("unavailable", "away", { unsent: true });
  expect((await send([away])).sent).toHaveLength(3);
});

test("what can't be sent is not tried again", async () => {
  const send = await open(some, "{retry: some}");
  const { result, sent } = await send([new CallError("invalid", "no verb")]);
  expect([sent.length, (result as Error).message]).toEqual([1, "no verb"]);
});

test("the time limit ends an answer's body that comes too slowly", async () => {
  const send = await open("{timeouts: {quick: 10ms}}", "{timeout: quick}");
  const body = new Readable({ read() {} });
  const { result } = await send([reply(200, { body })]);
  expect(result).toMatchObject({ status: 200 });
  const ended = new Promise((resolve) => body.once("error", resolve));
  expect(await ended).toMatchObject({ message: "context deadline exceeded" });
});
