import { binaryValue, metadataHeaders } from "./metadata.ts";
import { decodeText, encodeText, nameOfCode, statusOf } from "./status.ts";

test.each([
  "",
  "plain",
  "100 %",
  "caf\u00e9 \u6f22\u{1f389}",
  "a\r\nb\0",
  "%41",
])("the text %j comes back, as printable ASCII on the way", (text) => {
  expect(encodeText(text)).toMatch(/^[ -~]*$/);
  expect(decodeText(encodeText(text))).toBe(text);
});

test("what is no encoding stays as it is", () => {
  expect(decodeText("50% of %zz, %4")).toBe("50% of %zz, %4");
  // Go sends UTF-8 as it is in some versions; Node gives its bytes.
  expect(decodeText("caf\u00c3\u00a9")).toBe("caf\u00e9");
});

test("codes have the names that gRPC writes", () => {
  expect([nameOfCode(0), nameOfCode(7), nameOfCode(99)]).toEqual([
    "OK",
    "PERMISSION_DENIED",
    "status 99",
  ]);
});

test("OK is no error, and what is no status is one", () => {
  for (const told of ["0", "00", "0, 0", "5, 0"])
    expect(statusOf({ "grpc-status": told })).toBeUndefined();
  expect(statusOf({})).toMatchObject({
    code: 2,
    origin: "reset",
    message: "the answer ended without a status of gRPC",
  });
  for (const told of ["", "00x", "-1", "1e3", "9999999999", "0, abc"])
    expect(statusOf({ "grpc-status": told })).toMatchObject({
      code: 2,
      origin: "http",
      message: `the answer's status is ${JSON.stringify(told.split(", ").at(-1))}, which is none of gRPC`,
    });
  expect(statusOf({ "grpc-status": "0, 5" })).toMatchObject({
    code: 5,
    origin: "status",
  });
});

test.each([[], [0], [255, 254], [1, 2, 3]])(
  "bytes %p as metadata",
  (...list) => {
    const bytes = Buffer.from(list);
    const headers = metadataHeaders({ "x-bin": bytes });
    expect(headers["x-bin"]).toMatch(/^[A-Za-z0-9+/]*$/);
    expect(binaryValue(headers as never, "x-bin")).toEqual(bytes);
    const padded = bytes.toString("base64");
    expect(binaryValue({ "x-bin": `${padded}, AAAA` }, "x-bin")).toEqual(bytes);
  },
);
