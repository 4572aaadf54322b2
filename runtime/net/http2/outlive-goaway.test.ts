import { once } from "node:events";
import {
  connect,
  constants,
  createServer,
  type ClientHttp2Session,
  type Http2Server,
  type ServerHttp2Stream,
} from "node:http2";
import type { AddressInfo } from "node:net";
import { outliveGoaway } from "./outlive-goaway.ts";

let server: Http2Server;
let session: ClientHttp2Session;
beforeEach(async () => {
  server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  session = connect(`http://127.0.0.1:${port}`);
  outliveGoaway(session);
});
afterEach(() => {
  session.destroy();
  server.close();
});

/** One call under way, and its answer or how it ended. */
async function begin() {
  const call = session.request({ ":path": "/" });
  const end = Promise.race([
    once(call, "response").then(() => "answered"),
    once(call, "close").then(() => "closed"),
  ]);
  const [stream] = (await once(server, "stream")) as [ServerHttp2Stream];
  return { call, end, stream };
}

test("a call that the goodbye leaves is answered, and then the connection ends", async () => {
  const { call, end, stream } = await begin();
  const closed = once(session, "close");
  stream.session!.goaway(constants.NGHTTP2_INTERNAL_ERROR, stream.id!);
  await once(session, "goaway");
  expect(session.closed).toBe(true);
  stream.respond({ ":status": 204 }, { endStream: true });
  expect(await end).toBe("answered");
  call.resume();
  await closed;
});

test("an error of the connection ends it as ever", async () => {
  const { call, stream } = await begin();
  call.on("error", () => {});
  const failed = once(session, "error");
  stream.session!.goaway(constants.NGHTTP2_INTERNAL_ERROR, stream.id!);
  await once(session, "goaway");
  session.destroy(new Error("broken"));
  expect(((await failed) as [Error])[0].message).toBe("broken");
});
