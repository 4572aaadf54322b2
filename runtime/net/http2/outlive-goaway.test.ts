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

/** One call under way, and how it ends. */
async function begin() {
  const call = session.request({ ":path": "/" });
  call.on("error", () => {}); // also when all is over
  const end = once(call, "response").then(
    () => "answered",
    (error: Error) => error.message,
  );
  const [stream] = (await once(server, "stream")) as [ServerHttp2Stream];
  stream.on("error", () => {});
  return { end, stream };
}

test("a call that the goodbye leaves is answered", async () => {
  const { end, stream } = await begin();
  stream.session!.goaway(constants.NGHTTP2_INTERNAL_ERROR, stream.id!);
  await once(session, "goaway");
  expect(session.closed).toBe(true);
  stream.respond({ ":status": 204 }, { endStream: true });
  expect(await end).toBe("answered");
});

test("an error of the connection ends it as ever", async () => {
  const { end, stream } = await begin();
  const failed = once(session, "error");
  stream.session!.goaway(constants.NGHTTP2_INTERNAL_ERROR, stream.id!);
  await once(session, "goaway");
  session.destroy(new Error("broken"));
  expect(((await failed) as [Error])[0].message).toBe("broken");
  expect(await end).toBe("broken");
});
