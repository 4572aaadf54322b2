import { proxiedMetadata } from "./proxied-metadata.ts";

test("values of one name stay apart, and what HTTP/2 says itself stays out", () => {
  const headers = {
    ":path": "/x",
    "x-one": "1",
    "x-many": "a, b",
    "user-agent": "first",
  };
  const raw = [":path", "/x", "x-one", "1", "x-many", "a", "user-agent"].concat(
    ["first", "x-many", "b", "user-agent", "second"],
  );
  expect({ ...proxiedMetadata(headers, raw) }).toEqual({
    "x-one": "1",
    "x-many": ["a", "b"],
    "user-agent": "first",
  });
});

test("__proto__ is a name as any other, once and twice", () => {
  const name = "__proto__";
  const once = proxiedMetadata({ [name]: "a" });
  expect(Object.entries(once)).toEqual([[name, "a"]]);
  const twice = proxiedMetadata({ [name]: "a, b" }, [name, "a", name, "b"]);
  expect(Object.entries(twice)).toEqual([[name, ["a", "b"]]]);
});
