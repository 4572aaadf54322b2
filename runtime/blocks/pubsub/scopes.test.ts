import type { MetadataItem } from "../../contracts/metadata.ts";
import { readScopes } from "./scopes.ts";

const warnings: string[] = [];

function scopes(metadata: Record<string, string>, appId = "app1") {
  warnings.length = 0;
  const items: MetadataItem[] = Object.entries(metadata).map(
    ([name, value]) => ({ name, value }),
  );
  return readScopes(items, appId, (problem) => warnings.push(problem));
}

/** The topics of the list that may be published to. */
const allowed = (metadata: Record<string, string>, appId?: string) =>
  ["a", "b", "c", "A"].filter(scopes(metadata, appId).mayPublish);

test.each<[Record<string, string>, string[]]>([
  [{}, ["a", "b", "c", "A"]],
  [{ allowedTopics: "" }, ["a", "b", "c", "A"]],
  [{ allowedTopics: "a,b" }, ["a", "b"]],
  [{ ALLOWEDTOPICS: " a , b " }, ["a", "b"]],
  [{ allowedTopics: " " }, []],
  [{ publishingScopes: "app1=a" }, ["a"]],
  [{ publishingScopes: " app1 = a, b ; app2 = c " }, ["a", "b"]],
  [{ publishingScopes: "app1=" }, []],
  [{ publishingScopes: "app1=;app2=a" }, []],
  [{ publishingScopes: "app2=a" }, ["a", "b", "c", "A"]],
  [{ publishingScopes: "app1" }, ["a", "b", "c", "A"]],
  [{ publishingScopes: "app1=a;app1=b" }, ["a", "b"]],
  [{ publishingScopes: "app1=a=b" }, ["a"]],
  [{ publishingScopes: "APP1=a" }, ["a", "b", "c", "A"]],
  [{ publishingScopes: "app1=a,b", allowedTopics: "b,c" }, ["b"]],
  [{ protectedTopics: "a" }, ["b", "c", "A"]],
  [{ protectedTopics: "a", publishingScopes: "app1=a" }, ["a"]],
  [{ protectedTopics: "a", publishingScopes: "app2=a" }, ["b", "c", "A"]],
  [{ protectedTopics: "a", publishingScopes: "app1=b" }, ["b"]],
  [{ protectedTopics: "a", allowedTopics: "a" }, []],
  [{ subscriptionScopes: "app1=a" }, ["a", "b", "c", "A"]],
])("with %j the app may publish to %j", (metadata, topics) => {
  expect(allowed(metadata)).toEqual(topics);
});

test("a scope for subscribing is another than one for publishing", () => {
  const { mayPublish, maySubscribe } = scopes({
    publishingScopes: "app1=a",
    subscriptionScopes: "app1=b",
  });
  expect([mayPublish("a"), mayPublish("b")]).toEqual([true, false]);
  expect([maySubscribe("a"), maySubscribe("b")]).toEqual([false, true]);
});

test("an entry that protects nothing is told", () => {
  scopes({ publishingScopes: "app1" });
  expect(warnings).toEqual([
    expect.stringContaining(
      `metadata 'publishingScopes': "app1" is not of the form app=topic,topic, so it protects nothing`,
    ),
  ]);
  scopes({ publishingScopes: "app1=a=b" });
  expect(warnings).toHaveLength(1);
  scopes({ publishingScopes: "app1=a;" });
  expect(warnings).toEqual([]);
});
