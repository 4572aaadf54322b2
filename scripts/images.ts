/**
 * `npm run images`: builds the images for a cluster with Docker and prints their names, one per line. The programs are
 * bundled on this machine. The images only copy them.
 */
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import {
  buildControlPlane,
  installControlPlane,
} from "./build-control-plane.ts";
import { dockerProblem, root } from "./docker.ts";
import { fail, parseOptions } from "./options.ts";

const usage = `npm run images [-- OPTIONS]

  --prefix TEXT    what the names begin with (default localhost/dapr-quickstart-kit: no registry is ever asked for it)
  --tag TAG        default: the kit's version
  --platform LIST  e.g. linux/amd64,linux/arm64: by buildx, which must be installed; only with --push
  --push           also send them to their registry (docker login before)`;

const { values } = parseOptions("images", usage, {
  prefix: { type: "string", default: "localhost/dapr-quickstart-kit" },
  tag: { type: "string" },
  platform: { type: "string" },
  push: { type: "boolean", default: false },
});
const { version } = JSON.parse(
  readFileSync(join(root, "package.json"), "utf8"),
) as { version: string };
const tag = values.tag ?? version;

/** The folder that each image is built from. */
const images = {
  dapr: ".",
  nodeapp: "nodeapp",
  producerapp: "producerapp",
  "pub-sub": "tutorials/pub-sub/apps",
};

const problem = dockerProblem();
if (problem) fail(`${problem}: images are built with Docker.`);
// Docker cannot keep an image for several platforms, only push it.
if (values.platform && !values.push) fail("--platform needs --push.");
if (values.platform && run("docker", ["buildx", "version"]).status !== 0)
  fail("--platform needs Docker's buildx plugin, which is not installed.");

bundle();
await installControlPlane();
await buildControlPlane();
for (const [image, folder] of Object.entries(images)) {
  const name = `${values.prefix}/${image}:${tag}`;
  build(name, folder);
  console.log(name);
}

function bundle(): void {
  // daprd.js builds dist/ when it is missing or older than its sources.
  const { status } = run(process.execPath, [
    "runtime/bin/daprd.js",
    "--version",
  ]);
  if (status !== 0) fail("dist/ could not be built: run `npm install` first.");
}

function build(name: string, folder: string): void {
  const where = ["--tag", name, folder];
  const { status } = values.platform
    ? run("docker", [
        "buildx",
        "build",
        "--platform",
        values.platform,
        "--push",
        ...where,
      ])
    : run("docker", ["build", ...where]);
  if (status !== 0) fail(`${name} could not be built; see Docker above.`);
  if (values.push && !values.platform && run("docker", ["push", name]).status)
    fail(`${name} could not be pushed; see Docker above.`);
}

/** The command's output goes to stderr, since stdout is for the names. */
function run(command: string, args: string[]) {
  return spawnSync(command, args, {
    cwd: root,
    stdio: ["ignore", process.stderr, process.stderr],
  });
}
