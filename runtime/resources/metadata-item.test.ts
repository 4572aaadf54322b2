import type { Logger } from "../shared/log.ts";
import { readItem } from "./metadata-item.ts";
import { readDocuments, type Value } from "./values/yaml.ts";

beforeAll(() => {
  process.env["APP_API_TOKEN"] = "canary";
  process.env["OPEN_PARTS"] = "x=canary";
});
afterAll(() => {
  delete process.env["APP_API_TOKEN"];
  delete process.env["OPEN_PARTS"];
});

test.each([
  "APP_API_TOKEN",
  "APP_API_TOKEN\\0",
  "APP_API_TOKEN\\0x",
  "OPEN_PARTS=x",
])("envRef %j reads nothing, whatever the system makes of the name", (name) => {
  const [entry] = readDocuments(`{name: a, envRef: "${name}"}`, "a.yaml");
  const lines: string[] = [];
  const log = { warn: (line: string) => lines.push(line) };
  const item = readItem(
    "a",
    entry as Value,
    { env: process.env, log: log as unknown as Logger },
    [],
  );
  expect(item.value).toBe("");
  expect(lines.join()).toMatch(/may not be read by metadata "a" \(a\.yaml:1/);
  expect(lines.join()).not.toContain("canary");
});
