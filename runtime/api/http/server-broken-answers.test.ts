/** A reply that can't be written is a 502, its body is given up, and whoever asked next is served. */
import { connect } from "node:http2";
import { Readable } from "node:stream";
import { call } from "../../../tests/support/http.ts";
import type { Logger } from "../../shared/log.ts";
import type { ApiReply } from "./request.ts";
import { listen, type HttpApi } from "./server.ts";

let api: HttpApi;
let reply: ApiReply;
const errors: string[] = [];
const answered: [number, number][] = [];
beforeAll(async () => {
  api = await listen(["127.0.0.1"], 0, {
    routes: [],
    fallback: () => reply,
    maxBodyBytes: 1000,
    readBufferBytes: 4096,
    h2c: true,
    onAnswered: (_, { status }, bytes) => answered.push([status, bytes]),
    log: {
      warn() {},
      error: (line: string) => errors.push(line),
    } as unknown as Logger,
  });
});
afterAll(() => api.close());
beforeEach(() => (errors.length = answered.length = 0));

interface Got {
  status: number;
  text: string;
}

const overHttp2 = () =>
  new Promise<Got>((resolve, reject) => {
    const session = connect(`http://127.0.0.1:${api.addresses[0]!.port}`);
    session.on("error", reject);
    const stream = session.request({ ":path": "/x" });
    const got: Got = { status: 0, text: "" };
    stream.on("response", (head) => (got.status = head[":status"]!));
    stream.setEncoding("utf8").on("data", (part) => (got.text += part));
    stream.on("error", reject);
    stream.on("close", () => {
      session.close();
      resolve(got);
    });
  });
const overHttp1 = (): Promise<Got> => call(api.addresses[0]!.port, "GET", "/x");

describe.each([
  ["HTTP/1.1", overHttp1],
  ["HTTP/2", overHttp2],
])("over %s", (_, ask) => {
  test("a reply that can't be written is a 502", async () => {
    const body = new Readable({ read() {} });
    reply = { status: 1000, rawHeaders: [], body };
    const { status, text } = await ask();
    expect(status).toBe(502);
    expect(JSON.parse(text)).toEqual({
      errorCode: "ERROR",
      message: expect.stringMatching(
        /^the answer could not be written: .*1000/,
      ) as string,
    });
    expect(body.destroyed).toBe(true);
    expect(errors).toEqual([expect.stringMatching(/1000.*\n.*at /s)]);
    expect(answered).toEqual([[502, Buffer.byteLength(text)]]);
  });

  test("headers of the language's own names go out", async () => {
    const rawHeaders = ["constructor", "1", "__proto__", "2"];
    reply = { status: 200, rawHeaders, body: Buffer.from("ok") };
    expect(await ask()).toMatchObject({ status: 200, text: "ok" });
  });

  test("a body longer than it should be is cut before what is beyond", async () => {
    const body = Readable.from([Buffer.from("ab"), Buffer.from("cd")]);
    reply = { status: 200, rawHeaders: ["content-length", "3"], body };
    await expect(ask()).rejects.toThrow();
  });
});
