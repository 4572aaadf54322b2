import { once } from "node:events";
import { createServer, type IncomingMessage } from "node:http";
import { connect, type AddressInfo } from "node:net";
import { setImmediate as turn, setInterval } from "node:timers/promises";
import { watchAsked } from "./asked.ts";

const silenceMs = 20;

/** A server that was told to end, with one request whose head and `half` of the body have come. */
async function ending(read: (request: IncomingMessage) => void) {
  const asked = watchAsked(undefined, silenceMs);
  const server = createServer((request, response) => {
    read(request);
    request.on("error", () => {});
    request.on("end", () => response.end("whole"));
  });
  asked.watch(server);
  await once(server.listen(0, "127.0.0.1"), "listening");
  const { port } = server.address() as AddressInfo;
  const caller = connect(port, "127.0.0.1");
  const came = once(server, "request");
  caller.write(
    "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\nhalf",
  );
  const [request] = (await came) as [IncomingMessage];
  let answer = "";
  caller.on("data", (text) => (answer += text)).on("error", () => {});
  const over = once(caller, "close");
  server.close();
  asked.endUnasked();
  return {
    caller,
    request,
    whole: async () => {
      await over;
      return answer.includes("whole");
    },
  };
}

/** So often a silent caller would have been noticed. */
async function looks(count: number) {
  for await (const _ of setInterval(silenceMs)) if (count-- === 0) return;
}

test("a caller that falls silent in the middle of a body is not waited for", async () => {
  const { whole } = await ending((request) => request.resume());
  expect(await whole()).toBe(false);
});

test("one that goes on sending is answered, however long it takes", async () => {
  const { caller, whole } = await ending((request) => request.resume());
  let isLate = false;
  void looks(10).then(() => (isLate = true));
  let sent = "half".length;
  for (; !isLate; sent++) {
    caller.write("x");
    await turn();
  }
  caller.end("x".repeat(100_000 - sent));
  expect(await whole()).toBe(true);
});

test("one whose body waits for its reader is not silent", async () => {
  const { caller, request, whole } = await ending(() => {});
  await looks(10);
  request.resume();
  caller.end("x".repeat(100_000 - "half".length));
  expect(await whole()).toBe(true);
});
