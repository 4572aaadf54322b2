/** Imports follow exactly the arrows of docs/architecture.md, types included, and form no cycle. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative, sep } from "node:path";

const root = join(__dirname, "../..");

/** For each folder of runtime/: the folders that it may import besides itself, read from the page's picture. */
const arrows = readArrows(
  readFileSync(join(root, "docs/architecture.md"), "utf8"),
);

/** Reads lines such as `a & b --> c --> d` of the page's Mermaid picture. Every folder but `proto` may import `shared`. */
function readArrows(page: string): Record<string, string[]> {
  const [, picture = ""] =
    /```mermaid\nflowchart LR\n([^`]*)```/.exec(page) ?? [];
  const found: Record<string, string[]> = { shared: [], proto: [] };
  for (const line of picture.split("\n").filter((text) => text.trim() !== "")) {
    const steps = line.split("-->").map((step) => step.trim().split(" & "));
    for (const [n, targets] of steps.slice(1).entries())
      for (const from of steps[n]!)
        (found[from] ??= ["shared"]).push(...targets);
  }
  found["contracts"] ??= ["shared"];
  return Object.fromEntries(
    Object.entries(found).map(([from, targets]) => [
      from,
      [...new Set(targets)],
    ]),
  );
}

/** The sidecar's files outside `net/` and `api/http/` that may import Node's HTTP modules. */
const httpElsewhere = [
  "runtime/peers/direct/server.ts",
  "runtime/peers/server.ts",
];
const withoutSidecar = ["cli", "kubernetes"];

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

/** What a file imports: paths in the project, and names of modules. */
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

const files = [
  "runtime",
  "nodeapp",
  "producerapp",
  "tutorials/pub-sub/apps",
  "scripts",
].flatMap(sources);
const edges = files.flatMap((file) =>
  importsOf(file).map((to) => ({ file, to })),
);
const local = edges.filter(({ to }) => to.endsWith(".ts"));
/** The folder of runtime/ that a file is in; undefined for a file elsewhere. */
const layerOf = (file: string): string | undefined =>
  /^runtime\/(\w+)\//.exec(file)?.[1];

test("the sources and their imports are found", () => {
  expect(files).toContain("runtime/entries/daprd.ts");
  expect(local).toContainEqual({
    file: "runtime/components/index.ts",
    to: "runtime/contracts/component.ts",
  });
});

test("the root of runtime/ holds folders only, each with an arrow of its own", () => {
  expect(files.filter((file) => /^runtime\/[^/]+$/.test(file))).toEqual([]);
  const layers = new Set(files.map(layerOf).filter(Boolean));
  expect([...layers].sort()).toEqual(Object.keys(arrows).sort());
});

test("imports follow the arrows between folders", () => {
  const wrong = local.filter(({ file, to }) => {
    const from = layerOf(file);
    const target = layerOf(to);
    if (from === target) return false;
    // The apps do not import the runtime, and the runtime imports nothing outside it.
    if (file.startsWith("scripts/")) return false;
    if (from === undefined || target === undefined) return true;
    return !arrows[from]!.includes(target);
  });
  expect(wrong).toEqual([]);
});

test("every arrow is used", () => {
  const used = new Set(
    local.map(({ file, to }) => `${layerOf(file)} → ${layerOf(to)}`),
  );
  const unused = Object.entries(arrows).flatMap(([from, targets]) =>
    targets.map((to) => `${from} → ${to}`).filter((arrow) => !used.has(arrow)),
  );
  expect(unused).toEqual([]);
});

test("imports form no cycle", () => {
  const next = new Map(files.map((file) => [file, [] as string[]]));
  for (const { file, to } of local) next.get(file)!.push(to);
  const done = new Set<string>();
  const way: string[] = [];
  const circles: string[] = [];
  const visit = (file: string) => {
    const start = way.indexOf(file);
    if (start >= 0)
      return void circles.push([...way.slice(start), file].join(" → "));
    if (done.has(file)) return;
    way.push(file);
    for (const to of next.get(file) ?? []) visit(to);
    way.pop();
    done.add(file);
  };
  for (const file of files) visit(file);
  expect(circles).toEqual([]);
});

test("every relative import exists", () => {
  expect(local.filter(({ to }) => !existsSync(join(root, to)))).toEqual([]);
});

test("drivers import their own parts and clients, never each other", () => {
  const driver = /^runtime\/components\/(?!clients\/)(\w+\/[\w-]+)/;
  const wrong = local.filter(({ file, to }) => {
    const from = driver.exec(file)?.[1];
    const other = driver.exec(to)?.[1];
    return from !== undefined && other !== undefined && from !== other;
  });
  expect(wrong).toEqual([]);
});

test("only net/, api/http/ and the files named above import Node's HTTP modules", () => {
  const knowing = edges
    .filter(
      ({ file, to }) =>
        /^node:https?$|^node:http2$/.test(to) &&
        file.startsWith("runtime/") &&
        !/^runtime\/(net|api\/http)\//.test(file) &&
        !withoutSidecar.includes(layerOf(file)!),
    )
    .map(({ file }) => file);
  expect([...new Set(knowing)].sort()).toEqual([...httpElsewhere].sort());
});

test("only api/http/server.ts imports an HTTP server library", () => {
  const wrong = edges.filter(
    ({ file, to }) =>
      file.startsWith("runtime/") &&
      /^(express|fastify|find-my-way|hono|koa)$/.test(to) &&
      file !== "runtime/api/http/server.ts",
  );
  expect(wrong).toEqual([]);
});

test("only clients/kafka/ imports kafkajs", () => {
  const knowing = edges.filter(({ to }) => /^kafkajs(\/|$)/.test(to));
  expect(knowing).not.toEqual([]);
  expect(
    knowing.filter(
      ({ file }) => !file.startsWith("runtime/components/clients/kafka/"),
    ),
  ).toEqual([]);
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

test("each folder of runtime/ says what it is", () => {
  const folders = new Set(
    files
      .filter((file) => /^runtime\/(?!proto\/)/.test(file))
      .flatMap((file) => {
        const parts = dirname(file).split("/");
        return parts.map((_, n) => parts.slice(0, n + 1).join("/"));
      }),
  );
  const silent = [...folders].filter(
    (folder) => !existsSync(join(root, folder, "README.md")),
  );
  expect(silent).toEqual([]);
});
