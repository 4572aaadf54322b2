import { compilePattern } from "./linear-pattern.ts";

/** Each result is Go's (`regexp.ReplaceAllString`). */
test.each([
  ["/orders/.+", "/orders/1/items", "/orders/ID", "/orders/ID"],
  ["/orders/.+", "/v1/orders/1", "/orders/ID", "/v1/orders/ID"],
  [String.raw`/\d+`, "/a/1/b/22", "/N", "/a/N/b/N"],
  [String.raw`^/(\w+)/(?P<rest>.*)$`, "/a/b/c", "${rest}-$1", "b/c-a"],
  ["(a)(b)?", "a", "$1x-${1}x-$2.-$$-$-$3-${", "-ax-.-$-$--${"],
  ["a*", "baac", "x", "xbxcx"],
  ["a*?", "baac", "x", "xbxaxaxcx"],
  ["a|ab", "ab", "x", "xb"],
  ["ab|a", "ab", "x", "x"],
  ["(?i)ORDER", "Order order", "o", "o o"],
  [String.raw`\bin\b`, "in ink in", "x", "x ink x"],
  [String.raw`\B`, "ab", "-", "a-b"],
  ["(?m)^", "a\nb", "> ", "> a\n> b"],
  ["b.", "a💥b💥c", "x", "a💥xc"],
  ["x", "abc", "y", "abc"],
  ["", "ab", "-", "-a-b-"],
  [String.raw`\p{Greek}+`, "aαβb", "g", "agb"],
])("%s in %j by %j is %j", async (pattern, text, template, expected) => {
  const compiled = await compilePattern(pattern);
  expect(compiled.replaceAll(text, template)).toBe(expected);
});

test.each(["(", "a{2000}", "(?=a)", String.raw`(a)\1`, "*"])(
  "%s is no pattern of RE2",
  async (pattern) => {
    await expect(compilePattern(pattern)).rejects.toThrow(
      /error parsing regexp|invalid|missing/,
    );
  },
);

test("a pattern that would take JavaScript for ever takes no time", async () => {
  const compiled = await compilePattern("^(a+)+$");
  const text = "a".repeat(3000) + "b";
  expect(compiled.replaceAll(text, "x")).toBe(text);
});
