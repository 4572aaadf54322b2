import { encodePath, methodPath } from "./method-path.ts";

test.each([
  ["/", "/", "/"],
  ["/neworder", "/neworder", "/neworder"],
  ["/a/b.c/~d;e=1,f@g:h", "/a/b.c/~d;e=1,f@g:h", "/a/b.c/~d;e=1,f@g:h"],
  ["/a//b/./c/", "/a/b/c", "/a/b/c"],
  ["/a/../b", "/b", "/b"],
  ["/../../b", "/b", "/b"],
  ["/a/%2e%2e/%2E%2e/b", "/b", "/b"],
  ["/..%2f..%2fsecret", "/secret", "/secret"],
  ["/a%2Fb", "/a/b", "/a/b"],
  ["/%61dmin", "/admin", "/admin"],
  ["/%2561dmin", "/%61dmin", "/%2561dmin"],
  ["/%252e%252e/a", "/%2e%2e/a", "/%252e%252e/a"],
  ["/a%5C..%5Cb", "/a\\..\\b", "/a%5C..%5Cb"],
  ["/a%20b", "/a b", "/a%20b"],
  ["/a b", "/a b", "/a%20b"],
  ["/caf%C3%A9", "/café", "/caf%C3%A9"],
  ["/café", "/café", "/caf%C3%A9"],
  ["/%ff", "/\ufffd", "/%FF"],
  ["/...", "/...", "/..."],
])("%s is the operation %s and goes out as %s", (path, operation, wire) => {
  expect(methodPath(path)).toEqual({ operation, wire });
});

test("the one form stays what it is when it is normalised again", () => {
  for (const path of ["/%2561dmin", "/a%20b/%ff", "/..%2f%252f", "/a%5Cb"]) {
    const once = methodPath(path);
    expect(methodPath(once.wire)).toEqual(once);
  }
});

test("what goes out decodes to what was judged", () => {
  for (let byte = 0x20; byte < 0x100; byte++) {
    const hex = byte.toString(16).padStart(2, "0");
    if ("#?\x7f".includes(String.fromCharCode(byte))) continue;
    const { operation, wire } = methodPath(`/a%${hex}b/%25${hex}`);
    const decoded = Buffer.from(
      wire.replace(/%(..)/g, (_, code: string) =>
        String.fromCharCode(parseInt(code, 16)),
      ),
      "latin1",
    ).toString("utf8");
    expect(decoded).toBe(operation);
    expect(wire).toMatch(/^[\x21-\x7e]+$/);
  }
});

test("the query goes out as it came", () => {
  expect(methodPath("/a%20b/../c?x=%2e%2e/&y=%20+&z=?/..").wire).toBe(
    "/c?x=%2e%2e/&y=%20+&z=?/..",
  );
});

test.each([
  "/a%00",
  "/a%0d%0aX-Injected:%201",
  "/a%0A",
  "/a%1f",
  "/a%7f",
  "/a%23b",
  "/a%3fb=c",
  "/a#b",
  "/a?x#y",
  "/a?x y",
  "/a?x\r\n",
  "/a%",
  "/a%2",
  "/a%zz",
])("%j is refused", (path) => {
  expect(() => methodPath(path)).toThrow();
});

test("a decoded name is encoded for the wire, once", () => {
  expect(encodePath("a b/%41?é")).toBe("a%20b/%2541%3F%C3%A9");
});
