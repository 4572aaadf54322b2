/** Imports point one way; docs/decisions/layout.md has the picture. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative, sep } from "node:path";

const root = join(__dirname, "..");

// Layer of a file → layers it may import (its own always).
const arrows: Record<string, string[]> = {
  entry: ["sidecar", "cli", "shared"],
  sidecar: [
    "api",
    "app",
    "components",
    "peers",
    "resources",
    "blocks",
    "shared",
  ],
  api: ["blocks", "shared"],
  app: ["blocks", "shared"],
  peers: ["app", "blocks", "proto", "shared"],
  components: ["blocks", "shared"],
  resources: ["blocks", "proto", "shared"],
  blocks: ["shared"],
  cli: ["kubernetes", "resources", "shared"],
  kubernetes: ["proto", "shared"],
  proto: [],
  shared: [],
  apps: [],
  scripts: [],
};

function layerOf(file: string): string {
  const [top = "", second = ""] = file.split("/");
  if (top === "nodeapp" || top === "producerapp") return "apps";
  if (top === "scripts") return "scripts";
  if (/^(daprd|daprd-main|dapr)\.ts$/.test(second)) return "entry";
  return second.endsWith(".ts") ? "shared" : second;
}

function sources(folder: string): string[] {
  return readdirSync(join(root, folder), { withFileTypes: true }).flatMap(
    (entry) => {
      const path = `${folder}/${entry.name}`;
      if (entry.isDirectory())
        return entry.name === "node_modules" ? [] : sources(path);
      return /(?<!\.test)\.ts$/.test(path) ? [path] : [];
    },
  );
}

/** Relative imports resolved against the project, and names of packages. */
function importsOf(file: string): string[] {
  const text = readFileSync(join(root, file), "utf8");
  const found = text.matchAll(
    /(?:^|\n)\s*(?:import|export)\s[^;]*?from\s+"([^"]+)"|(?:^|\n)import\s+"([^"]+)"|\bimport\(\s*"([^"]+)"/g,
  );
  return [...found].map(([, from, bare, dynamic]) => {
    const name = (from ?? bare ?? dynamic) as string;
    if (!name.startsWith(".")) return name;
    return relative(root, join(root, dirname(file), name))
      .split(sep)
      .join("/");
  });
}

const files = ["runtime", "nodeapp", "producerapp", "scripts"].flatMap(sources);
const edges = files.flatMap((file) =>
  importsOf(file).map((to) => ({ file, to })),
);
const local = edges.filter(({ to }) => to.endsWith(".ts"));

test("the sources and their imports are found", () => {
  expect(files).toContain("runtime/daprd.ts");
  expect(local).toContainEqual({
    file: "runtime/components/index.ts",
    to: "runtime/contract.ts",
  });
});

test("imports follow the arrows between layers", () => {
  const wrong = local.filter(({ file, to }) => {
    const from = layerOf(file);
    return from !== layerOf(to) && !arrows[from]?.includes(layerOf(to));
  });
  expect(wrong).toEqual([]);
});

test("every relative import exists", () => {
  expect(local.filter(({ to }) => !existsSync(join(root, to)))).toEqual([]);
});

test("drivers import their own parts and clients, never each other", () => {
  const driver = /^runtime\/components\/(?!clients\/)\w+\/(\w+)/;
  const wrong = local.filter(({ file, to }) => {
    const from = driver.exec(file)?.[1];
    const other = driver.exec(to)?.[1];
    return from !== undefined && other !== undefined && from !== other;
  });
  expect(wrong).toEqual([]);
});

test("only api/http/server.ts sees an HTTP server library", () => {
  const wrong = edges.filter(
    ({ file, to }) =>
      file.startsWith("runtime/") &&
      /^(express|fastify|find-my-way|hono|koa)$/.test(to) &&
      file !== "runtime/api/http/server.ts",
  );
  expect(wrong).toEqual([]);
});

test("nothing outside the components switches on a component type", () => {
  const wrong = files.filter(
    (file) =>
      file.startsWith("runtime/") &&
      !file.startsWith("runtime/components/") &&
      /(===|!==|case)\s*"(bindings|state|pubsub|secretstores)\./.test(
        readFileSync(join(root, file), "utf8"),
      ),
  );
  expect(wrong).toEqual([]);
});
