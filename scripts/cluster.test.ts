import { spawnSync } from "node:child_process";
import { chmodSync, readFileSync, writeFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { tempFolder } from "../tests/support/temp-folder.ts";
import { forGivenCluster } from "./cluster.ts";

const folder = tempFolder("cluster-images");
const log = join(folder, "log");

function program(name: string, script: string): string {
  const file = join(folder, name);
  writeFileSync(file, `#!/bin/sh\n${script}\n`);
  chmodSync(file, 0o755);
  return file;
}

/** Runs the command that replaces a tutorial's `kind load`. Its Docker has the images with the given IDs. */
function load(images: string, ids: Record<string, string>) {
  const cases = Object.entries(ids)
    .map(([image, id]) => `*\\ ${image}) echo ${id};;`)
    .join(" ");
  program("docker", `case "$*" in ${cases} *) exit 1;; esac`);
  writeFileSync(log, "");
  const { status, stderr } = spawnSync(
    "sh",
    ["-c", forGivenCluster(`kind load docker-image ${images}`)],
    {
      encoding: "utf8",
      env: {
        ...process.env,
        PATH: `${folder}${delimiter}${process.env.PATH}`,
        DAPR_TEST_CLUSTER_LOAD: `${program("load", `echo "$@" >> ${log}`)} --into x`,
        DAPR_TEST_CLUSTER_LOADED: join(folder, "loaded"),
      },
    },
  );
  return { status, stderr, loaded: readFileSync(log, "utf8") };
}

const onPosix = process.platform === "win32" ? test.skip : test;

onPosix(
  "an image is loaded into the cluster once, and again when its ID has changed",
  () => {
    const ids = { "a:1": "sha256:a", "b:1": "sha256:b" };
    expect(load("a:1 b:1", ids)).toMatchObject({
      status: 0,
      loaded: "--into x a:1 b:1\n",
    });
    expect(load("a:1 b:1", ids)).toMatchObject({ status: 0, loaded: "" });
    expect(load("a:1 b:1", { ...ids, "b:1": "sha256:c" })).toMatchObject({
      status: 0,
      loaded: "--into x b:1\n",
    });
  },
);

onPosix("an image that Docker does not have is an error", () => {
  expect(load("nope:1", { "a:1": "sha256:a" })).toMatchObject({
    status: 1,
    stderr: expect.stringContaining("No such images: nope:1"),
    loaded: "",
  });
  expect(load("", {}).status).toBe(1);
});
