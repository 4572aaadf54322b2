import { compileCel } from "./cel.ts";

const evaluate = async (text: string, variables: Record<string, unknown>) =>
  (await compileCel(text)).evaluate(variables);

const event = { type: "order.v1", data: { total: 7, items: [1, 2] } };

test.each([
  ["consecutiveFailures > 5", { consecutiveFailures: 6n }, true],
  ["consecutiveFailures > 5", { consecutiveFailures: 5n }, false],
  ["double(bad) / double(all) >= 0.5", { bad: 4n, all: 8n }, true],
  ['event.type == "order.v1" && event.data.total > 5', { event }, true],
  ["has(event.data.weight)", { event }, false],
  ["event.data.items.exists(i, i == 2)", { event }, true],
  ['event.type.matches("^order[.]")', { event }, true],
])("%s", async (text, variables, expected) => {
  expect(await evaluate(text, variables)).toBe(expected);
});

test("a field that is not there and types that do not fit are errors", async () => {
  await expect(evaluate("event.data.weight > 1", { event })).rejects.toThrow(
    "field not found: weight",
  );
  await expect(evaluate("gone > 1", {})).rejects.toThrow("unresolved");
  await expect(evaluate('1 + "a"', {})).rejects.toThrow();
});

test("it tells the variables that an expression reads, and no others", async () => {
  const { names } = await compileCel(
    "b.c[d] + a > 1 && [1].exists(i, i > limit) && type(a) == int && {x: {y: z}} != {}",
  );
  expect(names).toEqual(["b", "d", "a", "limit", "x", "y", "z"]);
});

test("a mistake in an expression is told with its column", async () => {
  await expect(compileCel("a > > 2")).rejects.toThrow(
    "column 3: found > but expecting",
  );
  await expect(compileCel("")).rejects.toThrow("column 1");
});

test("a pattern takes no time that grows faster than its text", async () => {
  const text = `${"a".repeat(50_000)}b`;
  expect(await evaluate('t.matches("^(a+)+$")', { t: text })).toBe(false);
});

test("loops take as many steps as lists are short, and no more", async () => {
  const twice = "event.data.all(x, event.data.all(y, x + y >= 0.0))";
  const data = (length: number) => ({ event: { data: Array(length).fill(1) } });
  expect(await evaluate(twice, data(100))).toBe(true);
  await expect(evaluate(twice, data(200))).rejects.toThrow(
    "its loops, 2 deep, would go through up to 200 items each",
  );
  expect(await evaluate("event.data.exists(x, x > 0.0)", data(200))).toBe(true);
  await expect(
    evaluate("event.data.exists(x, x > 1.0)", data(20_001)),
  ).rejects.toThrow("more than 20000 steps");
  expect(await evaluate("size(event.data) > 1", data(20_001))).toBe(true);
});
