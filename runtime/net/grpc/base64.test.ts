import { base64Error, padded } from "./base64.ts";

test.each(["", "AA==", "AA", "AAA=", "AAA", "AAAA", "+/+/"])(
  "%j is Base64",
  (text) => {
    expect(base64Error(text)).toBeUndefined();
    expect(Buffer.from(padded(text), "base64")).toEqual(
      Buffer.from(text, "base64"),
    );
    expect(padded(text).length % 4).toBe(0);
  },
);

// What Go's encoding/base64 says of each.
test.each([
  ["A", 0],
  ["AAAAA", 4],
  ["A===", 1],
  ["AA=A", 2],
  ["AA=", 2],
  ["AA==AAAA", 4],
  ["AAA=AAAA", 4],
  ["A A=", 1],
  ["A-_=", 1],
])("%j is not, from byte %i on", (text, at) => {
  expect(base64Error(text)).toBe(`illegal base64 data at input byte ${at}`);
});
