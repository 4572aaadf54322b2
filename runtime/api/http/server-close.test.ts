import { Agent, request, type IncomingMessage } from "node:http";
import type { Logger } from "../../shared/log.ts";
import { listen } from "./server.ts";

const log = { warn() {}, error() {} } as unknown as Logger;
let agent: Agent;
beforeEach(() => (agent = new Agent({ keepAlive: true, maxSockets: 1 })));
afterEach(() => agent.destroy());

const post = (port: number, path: string) =>
  new Promise<{ status?: number; connection?: string }>((resolve, reject) => {
    const outgoing = request({ port, path, agent, method: "POST" });
    outgoing.on("response", (incoming: IncomingMessage) => {
      const { statusCode: status, headers } = incoming.resume();
      incoming.on("end", () =>
        resolve({ status, connection: headers.connection }),
      );
    });
    outgoing.on("error", reject).end();
  });

/** A server whose `/slow` answers when told to. */
async function open() {
  const asked = Promise.withResolvers<void>();
  const answer = Promise.withResolvers<void>();
  const api = await listen(["127.0.0.1"], 0, {
    routes: [
      [
        "POST",
        "/slow",
        async () => {
          asked.resolve();
          await answer.promise;
          return { status: 204 };
        },
      ],
      ["POST", "/quick", async () => ({ status: 204 })],
    ],
    fallback: () => ({ status: 404 }),
    maxBodyBytes: 1000,
    readBufferBytes: 4096,
    log,
  });
  const { port } = api.addresses[0]!;
  return {
    api,
    post: (path: string) => post(port, path),
    asked: asked.promise,
    answer: answer.resolve,
  };
}

test("a request in flight is answered and its connection ends, so that closing does not wait for its caller", async () => {
  const { api, post, asked, answer } = await open();
  const reply = post("/slow");
  await asked;
  const closing = api.close();
  answer();
  expect(await reply).toEqual({ status: 204, connection: "close" });
  await closing;
});

test("a request that comes over an idle connection just as the server closes is answered", async () => {
  const { api, post } = await open();
  expect((await post("/quick")).connection).toBe("keep-alive");
  const closing = api.close();
  expect(await post("/quick")).toEqual({ status: 204, connection: "close" });
  await closing;
  await expect(post("/quick")).rejects.toThrow("ECONNREFUSED");
});

test("an idle connection does not keep the server open", async () => {
  const { api, post } = await open();
  await post("/quick");
  await api.close();
});
