/** The test API of the installed package, in each test runner and under each way of TypeScript to find types. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { installPackage, type Project } from "../support/installed-package.ts";

const tools = join(__dirname, "..", "node_modules");
let project: Project;
beforeAll(async () => {
  project = await installPackage();
});

const write = (name: string, text: string) =>
  writeFileSync(join(project.dir, name), text);

/** The runner's own lines come before it. */
const suite = `
test("state is kept", async () => {
  const sidecar = await startSidecar({
    components: {
      apiVersion: "dapr.io/v1alpha1",
      kind: "Component",
      metadata: { name: "store" },
      spec: { type: "state.in-memory", version: "v1" },
    },
  });
  const url = sidecar.httpEndpoint + "/v1.0/state/store";
  await fetch(url, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: '[{ "key": "a", "value": "kept" }]',
  });
  const value = await (await fetch(url + "/a")).json();
  if (value !== "kept") throw new Error("the store answered " + value);
  await sidecar.stop();
});
`;
const required = 'const { startSidecar } = require("dapr-ts/testing");';
const imported = 'import { startSidecar } from "dapr-ts/testing";';
const byJest = (file: string) => [
  join(tools, "jest/bin/jest.js"),
  "--rootDir=.",
  `--testMatch=**/${file}`,
];

test.each([
  {
    runner: "node:test",
    file: "node.test.cjs",
    head: `const { test } = require("node:test"); ${required}`,
    args: ["--test", "--test-reporter=spec"],
  },
  {
    runner: "node:test with ES modules",
    file: "node.test.mjs",
    head: `import { test } from "node:test"; ${imported}`,
    args: ["--test", "--test-reporter=spec"],
  },
  {
    runner: "jest",
    file: "one.jest.cjs",
    head: required,
    args: byJest("one.jest.cjs"),
  },
  {
    runner: "jest with ES modules",
    file: "two.jest.mjs",
    head: imported,
    args: ["--experimental-vm-modules", ...byJest("two.jest.mjs")],
  },
  {
    runner: "vitest",
    file: "one.vitest.mjs",
    head: imported,
    args: [
      join(tools, "vitest/vitest.mjs"),
      "run",
      "--globals",
      "--root=.",
      "--config=vitest.config.mjs",
    ],
  },
])("it works in $runner", async ({ file, head, args }) => {
  write(
    "vitest.config.mjs",
    'export default { test: { include: ["*.vitest.mjs"] } };',
  );
  write(file, `${head}\n${suite}`);
  const { code, out, err } = await project.node(
    args.includes("--test") ? [...args, file] : args,
  );
  const said = `${out}${err}`;
  expect({ code, said }).toEqual({
    code: 0,
    said: expect.stringMatching(/pass 1\b|1 passed/) as string,
  });
});

const program = `
declare const console: { log(text: string): void };
const store: Component = {
  apiVersion: "dapr.io/v1alpha1",
  kind: "Component",
  metadata: { name: "store" },
  spec: {
    type: "state.redis",
    version: "v1",
    metadata: [
      { name: "redisHost", value: "localhost:6379" },
      { name: "redisDB", value: 3 },
      { name: "redisPassword", secretKeyRef: { name: "redis", key: "password" } },
    ],
  },
  scopes: ["shop"],
};
const options: SidecarOptions = { appPort: 3000, components: ["a.yaml", store] };

export async function main(): Promise<void> {
  await using sidecar: Sidecar = await startSidecar({
    ...options,
    appProtocol: "grpc",
    configuration: {
      apiVersion: "dapr.io/v1alpha1",
      kind: "Configuration",
      metadata: { name: "c" },
      spec: { logging: { apiLogging: { enabled: true } } },
    },
  });
  const ports: number = sidecar.httpPort + sidecar.grpcPort;
  const lines: readonly string[] = sidecar.logs;
  console.log(sidecar.appId + sidecar.httpEndpoint + ports + lines.join());
  const end: Promise<void> = sidecar.stop();
  await end.catch((error: SidecarError) => console.log(error.logs.join()));
  await startSidecar();
  await startSidecar({ components: { ...store, scopes: [] } });
  // @ts-expect-error -- a slip
  await startSidecar({ componets: [] });
  // @ts-expect-error -- no such protocol
  await startSidecar({ appProtocol: "ftp" });
  // @ts-expect-error -- a component has a type
  await startSidecar({ components: { ...store, spec: { version: "v1" } } });
  // @ts-expect-error -- ports are numbers
  sidecar.httpPort.length;
}
`;
const types = "Component, Sidecar, SidecarError, SidecarOptions";

test.each([
  ["node16", "node16"],
  ["nodenext", "nodenext"],
  ["bundler", "esnext"],
])(
  "its types are strict, and found with moduleResolution %s",
  async (moduleResolution, module) => {
    const names = ["user.mts", "user.ts"];
    for (const name of names)
      write(
        name,
        `import { startSidecar } from "dapr-ts/testing";\nimport type { ${types} } from "dapr-ts/testing";\n${program}`,
      );
    // A project whose files are CommonJS may import it as well.
    if (module !== "esnext") {
      write(
        "user.cts",
        `import testing = require("dapr-ts/testing");\nimport type { ${types} } from "dapr-ts/testing";\nconst { startSidecar } = testing;\n${program}`,
      );
      names.push("user.cts");
    }
    write(
      "tsconfig.json",
      JSON.stringify({
        compilerOptions: {
          module,
          moduleResolution,
          target: "es2022",
          lib: ["es2022"],
          types: [],
          strict: true,
          exactOptionalPropertyTypes: true,
          skipLibCheck: false,
          noEmit: true,
        },
        files: names,
      }),
    );
    const tsc = join(tools, "typescript/bin/tsc");
    expect(await project.node([tsc, "-p", "."])).toEqual({
      code: 0,
      out: "",
      err: "",
    });
  },
);
