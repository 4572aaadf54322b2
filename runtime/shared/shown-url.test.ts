import { shownPath, shownTarget, shownUrl } from "./shown-url.ts";

test.each([
  ["a=1&b=2", "a=1&b=2"],
  ["metadata.ttlInSeconds=3", "metadata.ttlInSeconds=3"],
  ["token=canary&a=1", "token=***&a=1"],
  ["a=1&metadata.API_KEY=canary", "a=1&metadata.API_KEY=***"],
  ["%74oken=canary", "%74oken=***"],
  ["%zztoken=canary", "%zztoken=***"],
  ["dbPassword=canary=canary", "dbPassword=***"],
  ["X-Amz-Signature=canary", "X-Amz-Signature=***"],
  ["sig=canary&sign=2", "sig=***&sign=2"],
  ["key=canary&metadata.partitionKey=1", "key=***&metadata.partitionKey=1"],
  ["code=canary&zipcode=1", "code=***&zipcode=1"],
  [
    "jwt=canary&sessionid=canary&PHPSESSION=canary",
    "jwt=***&sessionid=***&PHPSESSION=***",
  ],
  ["token", "token"],
])("?%s is shown as ?%s", (query, shown) => {
  expect(shownUrl("/a", query)).toBe(`/a?${shown}`);
  expect(shownPath(`/a?${query}`)).toBe(`/a?${shown}`);
});

test.each([
  ["nodeapp", "nodeapp"],
  ["app@home", "app@home"],
  ["https://host:8080/a@b", "https://host:8080/a@b"],
  ["https://user:canary@host/a", "https://***@host/a"],
  ["HTTP://canary@host", "HTTP://***@host"],
  ["http://a@canary@host", "http://***@host"],
])("the target %s is shown as %s", (target, shown) => {
  expect(shownTarget(target)).toBe(shown);
});

test("a long path is cut", () => {
  expect(shownPath(`/${"x".repeat(5000)}`).length).toBe(1025);
  expect(shownPath("/short")).toBe("/short");
});
