import { once } from "node:events";
import { createServer, get, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { waitFor } from "../../../tests/wait-for.ts";
import { EventStream } from "./event-stream.ts";

async function opened() {
  let page!: EventStream;
  const server = createServer(
    (_, response) => void (page = new EventStream(response)),
  );
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const [response] = (await once(
    get({ port, host: "127.0.0.1", agent: false }),
    "response",
  )) as [IncomingMessage];
  return {
    page,
    response,
    async close() {
      response.destroy();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

test("a page that does not read misses events, and is told how many", async () => {
  const { page, response, close } = await opened();
  // Nothing is read yet: the system's buffers fill, then ours.
  response.pause();
  const event = JSON.stringify({ text: "x".repeat(10_000) });
  const sent = 3000;
  for (let n = 0; n < sent; n++) page.send(event);
  let text = "";
  response.setEncoding("utf8").on("data", (part: string) => (text += part));
  response.resume();
  const arrived = () => text.split(event).length - 1;
  await waitFor("some to arrive", () => arrived() > 0);
  await waitFor("the missed ones to be told", () => {
    page.send(event);
    return text.includes('"missed"');
  });
  const [, count] = /{"type":"missed","count":(\d+)}/.exec(text) ?? [];
  expect(Number(count)).toBeGreaterThan(0);
  await close();
});

test("its end is told", async () => {
  const { page, close } = await opened();
  const ended = new Promise<void>((resolve) => page.onClose(resolve));
  await close();
  await ended;
});
