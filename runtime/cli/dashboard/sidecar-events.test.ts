import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { waitFor } from "../../../tests/wait-for.ts";
import { readEvents, watchSidecar } from "./sidecar-events.ts";

async function* chunks(text: string, size: number) {
  const bytes = Buffer.from(text);
  for (let at = 0; at < bytes.length; at += size)
    yield bytes.subarray(at, at + size);
}

test.each([1, 2, 3, 7, 1000])(
  "events are whole, in pieces of %d bytes",
  async (size) => {
    const found: string[] = [];
    const text = ':\n\ndata: {"a":"ü€"}\n\n:\n\ndata: {"b":2}\n\ndata: {"cut';
    await readEvents(chunks(text, size), (data) => found.push(data));
    expect(found).toEqual(['{"a":"ü€"}', '{"b":2}']);
  },
);

test("an event without an end is not gathered for ever", async () => {
  const endless = chunks("x".repeat(3 * 1024 * 1024), 64 * 1024);
  await expect(readEvents(endless, () => {})).rejects.toThrow(
    "an event is longer than 1048576 characters",
  );
});

test("who is refused asks again, since another program may have had the port; a stream that breaks is opened anew", async () => {
  let asked = 0;
  const server = createServer((request, response) => {
    asked++;
    expect(request.headers["dapr-watch-token"]).toBe("a token");
    response.statusCode = asked === 1 ? 401 : 200;
    response.end(asked === 1 ? "" : `data: ${asked}\n\n`);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port: httpPort } = server.address() as AddressInfo;
  const told: string[] = [];
  const stop = new AbortController();
  const ended = watchSidecar(
    () => Promise.resolve({ httpPort }),
    "a token",
    {
      event: (json) => told.push(json),
      state: (now) => told.push(now),
    },
    stop.signal,
  );
  await waitFor("the third answer", () => told.includes("3"));
  stop.abort();
  await ended;
  expect(told.slice(0, 6)).toEqual([
    "refused",
    "watched",
    "2",
    "connecting",
    "watched",
    "3",
  ]);
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});
