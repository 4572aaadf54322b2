/** A kept connection of a sidecar that has ended: a call that comes on it is known to be unsent. */
import { once } from "node:events";
import { connect } from "node:net";
import { listenPeers } from "../../runtime/peers/server.ts";
import { waitFor } from "../wait-for.ts";

const call =
  "POST /neworder HTTP/1.1\r\nHost: dapr-sidecar\r\ndapr-peer: 1\r\nContent-Length: 2\r\n\r\n{}";

test("a kept connection ends with an answer, and a call that crosses it reaches no app and gets no reset", async () => {
  const seen: string[] = [];
  const server = await listenPeers({
    addresses: ["127.0.0.1"],
    port: 0,
    appId: "leaving",
    maxBodyBytes: 1000,
    receive: async ({ path }) => {
      seen.push(path);
      return { status: 200, headers: [], body: Buffer.from("done") };
    },
  });
  const socket = connect({
    port: server.port,
    host: "127.0.0.1",
    allowHalfOpen: true,
  });
  await once(socket, "connect");
  const ended = once(socket, "end");
  const errors: Error[] = [];
  socket.on("error", (error) => errors.push(error));
  let text = "";
  socket.setEncoding("utf8").on("data", (chunk: string) => (text += chunk));
  socket.write(call);
  await waitFor("the answer", () => text.endsWith("done"));
  text = "";

  const closed = server.close();
  await waitFor("the last answer", () => text.includes("shuts down"));
  expect(text).toMatch(
    /^HTTP\/1\.1 502 Bad Gateway\r\ndapr-peer: 1; unavailable; unsent\r\n/,
  );
  expect(text).toMatch(/\r\nConnection: close\r\n\r\nthe sidecar shuts down$/);
  // Its caller had begun before it saw that.
  socket.write(call);
  await ended;
  socket.end();
  await closed;
  expect(errors).toEqual([]);
  expect(seen).toEqual(["/neworder"]);
});

test("a caller that never closes its connection does not hold up the end", async () => {
  const server = await listenPeers({
    addresses: ["127.0.0.1"],
    port: 0,
    appId: "leaving",
    maxBodyBytes: 1000,
    receive: async () => ({ status: 200, headers: [], body: Buffer.alloc(0) }),
  });
  const socket = connect({
    port: server.port,
    host: "127.0.0.1",
    allowHalfOpen: true,
  });
  await once(socket, "connect");
  socket.write(call);
  await once(socket, "data");
  await server.close();
  socket.destroy();
});
