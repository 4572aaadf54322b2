import { checkQuery } from "./query.ts";

test("a whole query keeps its meaning", () => {
  const query = {
    filter: {
      OR: [
        { EQ: { "person.org": "Dev Ops" } },
        { AND: [{ IN: { state: ["CA", "WA"] } }, { GTE: { n: 1 } }] },
      ],
    },
    sort: [{ key: "state", order: "DESC" }, { key: "person.id" }],
    page: { limit: 3, token: "3" },
  };
  expect(checkQuery(query)).toEqual(query);
});

test.each([[null], [{}], [{ filter: {} }], [{ Filter: null, other: 1 }]])(
  "%j asks for everything",
  (query) => expect(checkQuery(query)).toEqual({}),
);

test.each([
  [[], "query must be a map"],
  [{ filter: [] }, "filter must be a map"],
  [{ filter: { EQ: { a: 1 }, NEQ: { a: 1 } } }, /single element/],
  [{ filter: { LIKE: { a: 1 } } }, 'unsupported filter "LIKE"'],
  [{ filter: { EQ: { a: 1, b: 2 } } }, /single key\/value pair/],
  [{ filter: { IN: { a: 1 } } }, "IN filter value must be an array"],
  [{ filter: { AND: [{ EQ: { a: 1 } }] } }, /at least two/],
  [{ sort: [{ order: "ASC" }] }, /must have a key/],
  [{ sort: [{ key: "a", order: "up" }] }, /ASC or DESC/],
  [{ page: { limit: "x" } }, /whole number/],
  [{ page: { token: 3 } }, /token must be text/],
])("%j is no query", (query, text) =>
  expect(() => checkQuery(query)).toThrow(text),
);

test("endless nesting ends", () => {
  let filter: unknown = { EQ: { a: 1 } };
  for (let i = 0; i < 200; i++) filter = { AND: [filter, filter] };
  expect(() => checkQuery({ filter })).toThrow(/too deep/);
});
