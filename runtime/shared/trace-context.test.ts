import { readBinaryTrace, readTrace } from "./trace-context.ts";

const trace = "0af7651916cd43dd8448eb211c80319c";
const span = "b7ad6b7169203331";
const zeros = "0".repeat(32);
const parent = (text: string | undefined) => readTrace(text, "")?.traceparent;

// As Dapr 1.14.4 took them.
test.each([
  [`00-${trace}-${span}-01`, `00-${trace}-${span}-01`],
  [`00-${trace}-${span}-ff`, `00-${trace}-${span}-ff`],
  [`01-${trace}-${span}-01-more-and-more`, `00-${trace}-${span}-01`],
  [`fe-${trace}-${span}-01`, `00-${trace}-${span}-01`],
  [`00-${trace}-${span}-01-more`, undefined],
  [`ff-${trace}-${span}-01`, undefined],
  [`00-${zeros}-${span}-01`, undefined],
  [`00-${trace}-${zeros.slice(16)}-01`, undefined],
  [`00-${trace.toUpperCase()}-${span}-01`, undefined],
  [`00-${trace}-${span}`, undefined],
  [`00-${trace}-${span}-01 `, undefined],
  ["00-zz", undefined],
  ["", undefined],
  [undefined, undefined],
])("the trace of %j is %j", (text, traceparent) => {
  expect(parent(text)).toBe(traceparent);
});

test.each([
  ["a=b,c=d", true],
  ["vendor@x=1, other=2", true],
  ["", false],
  ["not valid", false],
  ["a=b,a=c", false],
  ["A=b", false],
  ["a=", false],
  [`a=${"b".repeat(257)}`, false],
  [Array.from({ length: 33 }, (_, i) => `k${i}=v`).join(","), false],
  [`a=${"b".repeat(200)},b=${"b".repeat(200)},c=${"b".repeat(200)}`, false],
])("the state %j counts: %j", (state, counts) => {
  const found = readTrace(`00-${trace}-${span}-01`, state)!;
  expect(found.tracestate).toBe(counts ? state : "");
});

test("gRPC's binary form is the same trace", () => {
  const bytes = Buffer.from(`0000${trace}01${span}0201`, "hex");
  expect(readBinaryTrace(bytes, "a=b")).toEqual({
    traceparent: `00-${trace}-${span}-01`,
    tracestate: "a=b",
  });
  expect(readBinaryTrace(bytes.subarray(1), "")).toBeUndefined();
  expect(readBinaryTrace(Buffer.alloc(29), "")).toBeUndefined();
});
