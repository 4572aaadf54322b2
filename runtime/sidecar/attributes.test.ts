import { Attributes } from "./attributes.ts";

const half = "x".repeat(512 * 1024 - 1);

test("attributes take 1 MiB in all; what is exchanged counts once", () => {
  const attributes = new Attributes();
  attributes.set("a", half);
  attributes.set("b", half);
  attributes.set("b", half);
  expect(() => attributes.set("c", "")).toThrow(
    "attribute c is not taken: all attributes of a sidecar together have at most 1 MiB",
  );
  expect(() => attributes.set("b", `${half}x`)).toThrow("attribute b");
  attributes.set("b", "small");
  attributes.set("c", "fits");
  expect(attributes.toJSON()).toEqual({ a: half, b: "small", c: "fits" });
});
