import type { ServerResponse } from "node:http";
import { connect } from "node:http2";
import { createServer, type AddressInfo } from "node:net";
import { setImmediate as turn } from "node:timers/promises";
import { createH2c } from "./h2c.ts";

test("a request under way is answered, however long after the end began; then its connection ends", async () => {
  const asked = Promise.withResolvers<ServerResponse>();
  const lingerMs = 0;
  const h2c = createH2c(
    (_, outgoing) => asked.resolve(outgoing),
    64 * 1024,
    lingerMs,
  );
  const server = createServer((socket) => h2c.serve(socket));
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  const { port } = server.address() as AddressInfo;
  const session = connect(`http://127.0.0.1:${port}`);
  session.on("error", () => {});
  const ended = new Promise((resolve) => session.once("close", resolve));
  const stream = session.request({ ":path": "/slow" });
  const answer = new Promise<string>((resolve, reject) => {
    let text = "";
    stream.setEncoding("utf8").on("data", (part: string) => (text += part));
    stream.on("end", () => resolve(text)).on("error", reject);
  });
  const outgoing = await asked.promise;
  h2c.close();
  for (let turns = 0; turns < 20; turns++) await turn();
  outgoing.end("late");
  expect(await answer).toBe("late");
  await ended;
  server.close();
});
