import { where } from "../../shared/position.ts";
import { valueOfJson } from "./json-value.ts";
import { listAt, member, textOf } from "./yaml.ts";

test("JSON reads as YAML does, and each value knows its path", () => {
  const document = valueOfJson(
    {
      metadata: { name: "orders", labels: null },
      spec: {
        metadata: [
          { name: "a", value: true },
          { name: "b", value: 1.5 },
          { name: "c", value: { deep: ["x", 2] } },
        ],
      },
      scopes: ["one"],
    },
    "component orders",
  );
  expect(textOf(member(member(document, "METADATA"), "name"))).toBe("orders");
  expect(member(member(document, "metadata"), "labels")).toBeUndefined();
  const list = listAt(member(member(document, "spec"), "metadata"), "metadata");
  const items = list?.kind === "list" ? list.items : [];
  expect(items.map((item) => textOf(member(item, "value")))).toEqual([
    "true",
    "1.5",
    '{"deep":["x",2]}',
  ]);
  expect(where(member(items[1], "value")?.at)).toBe(
    "component orders, spec.metadata[1].value",
  );
  expect(where(document.at)).toBe("component orders");
});
