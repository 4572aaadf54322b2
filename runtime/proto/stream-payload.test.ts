import { decodeMessage, encodeMessage } from "./codec.ts";
import {
  InternalInvokeRequestStream,
  InternalInvokeResponseStream,
} from "./gen/dapr/proto/internals/v1/service_invocation.ts";
import { encodePayload } from "./stream-payload.ts";

test.each([0, 1, 127, 128, 4096, 4097, 16_384, 65_536, 3_000_000])(
  "a body of %i bytes is encoded as the generated code does it",
  (size) => {
    const data = Buffer.alloc(size, "x");
    for (const seq of [0n, 1n, 300n, 2n ** 64n - 1n]) {
      const payload = { data, seq };
      const bytes = Buffer.concat(encodePayload(data, seq));
      const whole = [
        encodeMessage(InternalInvokeRequestStream, {
          request: undefined,
          payload,
        }),
        encodeMessage(InternalInvokeResponseStream, {
          response: undefined,
          payload,
        }),
      ];
      expect(whole.every((one) => one.equals(bytes))).toBe(true);
      const read = decodeMessage(InternalInvokeRequestStream, bytes).payload!;
      expect(read.seq).toBe(seq);
      expect(data.equals(read.data)).toBe(true);
    }
  },
);

test("a large body's bytes are passed on, not copied", () => {
  const data = Buffer.alloc(5000);
  expect(encodePayload(data, 0n)[1]).toBe(data);
});

test("a message that can't be written leaves nothing to the next", () => {
  const status = { code: 0, message: "", details: [] };
  const response = {
    status: { ...status, code: 1.5 },
    headers: new Map([["a", { values: ["b"] }]]),
    trailers: new Map(),
    message: undefined,
  };
  const encode = (part: InternalInvokeResponseStream) =>
    encodeMessage(InternalInvokeResponseStream, part);
  expect(() => encode({ response, payload: undefined })).toThrow();
  expect(encode({ response: undefined, payload: undefined })).toHaveLength(0);
});
