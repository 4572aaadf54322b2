/** Malicious resource files are refused within a second, with the file's name. The sidecar starts all the same. */
import { mainThreadMs } from "../support/cpu.ts";
import { startDaprd, stopAll } from "../support/daprd.ts";
import { embedded } from "../support/embedded.ts";

afterEach(stopAll);

const laughs = ["a: &a [x, x, x, x, x, x, x, x, x]"];
for (const [i, name] of [..."bcdefghi"].entries())
  laughs.push(
    `${name}: &${name} [${Array(9).fill(`*${"abcdefgh"[i]}`).join(", ")}]`,
  );
const merges = ["a: &a {k: v}"];
for (let i = 0; i < 5000; i++)
  merges.push(
    `m${i}: &m${i}\n  <<: [*a, ${i > 0 ? `*m${i - 1}` : "*a"}]\n  <<: *${i > 0 ? `m${i - 1}` : "a"}`,
  );
const component = (value: string) =>
  `apiVersion: dapr.io/v1alpha1\nkind: Component\nmetadata:\n  name: x\nspec:\n  type: bindings.sqlite\n  metadata:\n    - name: topics\n      value: ${value}\n`;

test.each([
  ["aliases of aliases", laughs.join("\n")],
  ["a chain of merges", merges.join("\n")],
  ["an alias of itself", "a: &a [*a]"],
  ["20,000 aliases", `a: &a x\nb:\n${"  - *a\n".repeat(20_000)}`],
  [
    "20,000 anchors",
    Array.from({ length: 20_000 }, (_, i) => `k${i}: &a${i} v`).join("\n") +
      "\nz: *nope",
  ],
  ["100,000 brackets", "a: " + "[".repeat(100_000)],
  ["100,000 braces", "a: " + "{a: ".repeat(100_000)],
  ["100,000 dashes", "- ".repeat(100_000) + "x"],
  ["100,000 question marks", "? ".repeat(100_000) + "x"],
  ["a tag of a language", component("!!python/object/apply:os.system [id]")],
  ["a tag of its own", component("!env HOME")],
  ["10 MB", `a: ${"x".repeat(10 * 1024 * 1024)}`],
  ["300,000 separators", "---\n".repeat(300_000)],
  ["NUL and noise", "\0\x01\x02\xff: [\0"],
  ["a very long quote", `a: "${"\\u0041".repeat(150_000)}`],
])("%s", async (name, text) => {
  const sidecar = await startDaprd({
    resources: { "0-bomb.yaml": text, "1-good.yaml": embedded("good") },
  });
  expect(mainThreadMs(sidecar.pid)).toBeLessThan(2000); // one second, and the start
  const reply = await sidecar.call("GET", "/v1.0/metadata");
  expect(reply.json()).toMatchObject({ components: [{ name: "good" }] });
  const warnings = sidecar
    .messages()
    .filter((line) => line.includes("was not loaded: "));
  if (
    !["300,000 separators", "a chain of merges", "20,000 aliases"].includes(
      name,
    )
  ) {
    expect(warnings).not.toEqual([]);
  }
  for (const line of warnings) {
    expect(line).toMatch(
      /0-bomb\.yaml:\d+:\d+\)$|0-bomb\.yaml was not loaded: it has \d+ bytes/,
    );
    expect(line.length).toBeLessThan(1000);
  }
});
