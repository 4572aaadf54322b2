/** The package on a Node before 24: it says what to do, or takes the Node 24 of the project. Skipped where PATH has no such Node. */
import { symlinkSync } from "node:fs";
import { join } from "node:path";
import { installPackage, type Project } from "../support/installed-package.ts";
import { nodeVersion, olderNode } from "../support/older-node.ts";

const older = olderNode();
const onOlderNode = older ? test : test.skip;
let project: Project;
beforeAll(async () => {
  project = await installPackage();
});

/** In a test runner of that Node. */
const suite = `
const { test } = require("node:test");
const { startSidecar } = require("dapr-ts/testing");
test("a sidecar", async () => {
  const sidecar = await startSidecar();
  console.log("it runs on port", sidecar.httpPort);
  await sidecar.stop();
});
`;
const run = (...args: string[]) => project.node(args, { node: older! });
const program = (name: string) =>
  join(project.installed, "runtime", "bin", `${name}.js`);

onOlderNode("each program and the test API say what to install", async () => {
  const version = nodeVersion(older!).trim().slice(1);
  const advice = `dapr-ts needs Node 24 or newer, and this is Node ${version} (${older}): install it from https://nodejs.org, or add it to this project: npm install --save-dev node@24`;
  for (const name of ["dapr", "daprd"])
    expect(await run(program(name), "--version")).toEqual({
      code: 1,
      out: "",
      err: `${advice}\n`,
    });
  const { code, out } = await run("-e", suite);
  expect({ code, out }).toEqual({
    code: 1,
    out: expect.stringContaining(`startSidecar: ${advice}`) as string,
  });
});

onOlderNode("the Node 24 of the project is found", async () => {
  symlinkSync(
    join(__dirname, "..", "..", "node_modules", "node"),
    join(project.dir, "node_modules", "node"),
  );
  for (const name of ["dapr", "daprd"])
    expect(await run(program(name), "--version")).toMatchObject({ code: 0 });
  expect(await run("-e", suite)).toMatchObject({
    code: 0,
    out: expect.stringMatching(/it runs on port \d+/) as string,
  });
});
