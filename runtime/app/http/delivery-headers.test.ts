import { deliveryHeaders } from "./delivery-headers.ts";

const typeFor = (body: string, metadata: Record<string, string> = {}) =>
  deliveryHeaders(metadata, Buffer.from(body), (name) => {
    throw new Error(`dropped ${name}`);
  })["content-type"];

test("a message's own content type reaches the app, in any case", () => {
  expect(typeFor("{}", { "content-type": "text/csv" })).toBe("text/csv");
  expect(typeFor("x", { "Content-Type": "application/json" })).toBe(
    "application/json",
  );
});

test("without one it is JSON only if it parses", () => {
  expect(typeFor('{"a":1}')).toBe("application/json");
  expect(typeFor("hello")).toBe("text/plain; charset=utf-8");
});

test("one that no header can carry is left out, not the message", () => {
  const dropped: string[] = [];
  const headers = deliveryHeaders(
    { "content-type": "a\r\nb" },
    Buffer.from("1"),
    (name) => dropped.push(name),
  );
  expect(headers).toEqual({ "content-type": "application/json" });
  expect(dropped).toEqual(["content-type"]);
});

test("__proto__ is a name as any other", () => {
  const headers = deliveryHeaders(
    { ["__proto__"]: "pp", key: "v" },
    Buffer.from("1"),
    (name) => {
      throw new Error(`dropped ${name}`);
    },
  );
  expect(Object.entries(headers)).toEqual([
    ["content-type", "application/json"],
    ["__proto__", "pp"],
    ["key", "v"],
  ]);
});
