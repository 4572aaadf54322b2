import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { knownAnnotations, unknownAnnotations } from "./known-annotations.ts";

const of = (...names: string[]) =>
  unknownAnnotations({
    annotations: Object.fromEntries(names.map((name) => [name, "x"])),
  });

test.each([
  ["dapr.io/app-prot", "; did you mean dapr.io/app-port?"],
  ["dapr.io/enable", "; did you mean dapr.io/enabled?"],
  ["dapr.io/App-Id", "; did you mean dapr.io/app-id?"],
  ["dapr.io/loglevel", "; did you mean dapr.io/log-level?"],
  ["Dapr.io/config", "; did you mean dapr.io/config?"],
  ["dapr.io/quite-another-thing", ""],
  ["dapr.io/constructor", ""],
])("%s is told%s", (name, hint) => {
  expect(of(name)).toEqual([
    `annotation ${name} is not known, so it has no effect${hint}`,
  ]);
});

test("others' annotations, and those that there are, are nobody's slip", () => {
  const known = knownAnnotations.map((name) => `dapr.io/${name}`);
  expect(of(...known, "dapr.io/no-sidecar", "prometheus.io/port")).toEqual([]);
  expect(unknownAnnotations(undefined)).toEqual([]);
  expect(unknownAnnotations({})).toEqual([]);
});

test("a long text is compared with nothing, and not printed whole", () => {
  const [line] = of(`dapr.io/${"x".repeat(200_000)}`);
  expect(line!.length).toBeLessThan(150);
});

test("every annotation that is read by its name is known", () => {
  const read = ["injector", "operator"].flatMap((folder) =>
    readdirSync(join(__dirname, folder))
      .filter((file) => /(?<!\.test)\.ts$/.test(file))
      .flatMap((file) => {
        const text = readFileSync(join(__dirname, folder, file), "utf8");
        const asked =
          /\b(?:a|annotations)\s*\.(?:text|number|port|optionalNumber|truthy|has)\(\s*"([^"]+)"/g;
        return [...text.matchAll(asked)].map(([, name]) => name!);
      }),
  );
  expect(read).toContain("sidecar-image");
  expect(read.length).toBeGreaterThan(10);
  expect(read.filter((name) => !knownAnnotations.includes(name))).toEqual([]);
});
