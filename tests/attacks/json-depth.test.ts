/** JSON may be nested as deep as the original allows, in a small body and in a large one. */
import { startDaprd, stopAll, type Daprd } from "../support/daprd.ts";
import { statePath, stateStore } from "../support/state-store.ts";

let sidecar: Daprd;
beforeAll(async () => {
  sidecar = await startDaprd({
    resources: { "s.yaml": stateStore("state.in-memory") },
  });
});
afterAll(stopAll);

/** The body's own list and object are two levels of the 10,000. */
const most = 9998;
const nested = (depth: number) => "[".repeat(depth) + "]".repeat(depth);
const save = (value: string, padding: number) =>
  sidecar.call("POST", statePath, {
    body: `[{"key":"deep","value":${value}},{"key":"padding","value":"${"x".repeat(padding)}"}]`,
    timeoutMs: 120_000,
  });

test.each([
  ["small", 0],
  ["large", 200_000],
])("the limit of the depth holds for a %s body", async (_, padding) => {
  for (const depth of [1000, 5000, most]) {
    expect((await save(nested(depth), padding)).status).toBe(204);
    const found = await sidecar.call("GET", `${statePath}/deep`);
    expect(found.text).toBe(nested(depth));
    const bulk = await sidecar.call("POST", `${statePath}/bulk`, {
      body: JSON.stringify({ keys: ["deep"] }),
    });
    expect(bulk.text).toContain(`"data":${nested(depth)}`);
  }
  const { status, text } = await save(nested(most + 1), padding);
  expect(status).toBe(400);
  expect(text).toContain("exceeded max depth");
});
