import { aboutBody, bodyText, pretty, statusText } from "./body-text.ts";

const body = { contentType: "application/json", bytes: 7, isCut: false };

test("JSON gets lines, all else stays", () => {
  expect(pretty('{"a":1}')).toBe('{\n  "a": 1\n}');
  expect(pretty("<b>x</b>")).toBe("<b>x</b>");
  expect(pretty('{"a":')).toBe('{"a":');
  expect(pretty("a\u0000b\tc\n")).toBe("a\\u0000b\tc\n");
});

test("what is shown of a body, and what is said of it", () => {
  expect(bodyText({ ...body, text: "[1]" })).toBe("[\n  1\n]");
  expect(aboutBody(body)).toBe("application/json, 7 bytes");
  expect(bodyText({ ...body, base64: "AAE=" })).toBe("AAE=");
  expect(aboutBody({ ...body, base64: "AAE=", bytes: 1 })).toBe(
    "application/json, 1 byte, as base64",
  );
  expect(aboutBody({ ...body, isCut: true, bytes: 9000 })).toBe(
    "application/json, 9000 bytes, the first 4 KiB are shown",
  );
  const hidden = { ...body, hidden: "it may hold a secret" };
  expect(bodyText(hidden)).toBe("it may hold a secret");
  expect(aboutBody(hidden)).toBe("application/json, 7 bytes, not shown");
});

test("statuses", () => {
  expect(statusText(204)).toBe("204 No Content");
  expect(statusText(299)).toBe("299");
});
