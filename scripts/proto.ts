/** `npm run proto`: generates runtime/proto/gen from the .proto files beside it. With --check it only says whether that is current. */
import { spawnSync } from "node:child_process";
import {
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { root } from "./docker.ts";
import { installOnce } from "./install-once.ts";
import { fail, parseOptions } from "./options.ts";
import { describeFiles } from "./proto-descriptors.ts";

const usage = `npm run proto [-- --check]

  --check   change nothing; exit 1 if runtime/proto/gen is not what the .proto files make`;

const { values } = parseOptions("proto", usage, {
  check: { type: "boolean" },
});
const folder = join(root, "runtime", "proto");
await installOnce(
  folder,
  "the generator of the protobuf code, 121 MB",
  "--ignore-scripts",
);
if (values.check) {
  const made = mkdtempSync(join(tmpdir(), "proto-"));
  try {
    generate(made);
    const stale = differences(join(made, "gen"), join(folder, "gen"));
    if (stale.length > 0)
      fail(
        `runtime/proto/gen is not what the .proto files make: ${stale.join(", ")}. Type: npm run proto`,
      );
  } finally {
    rmSync(made, { recursive: true, force: true });
  }
} else {
  rmSync(join(folder, "gen"), { recursive: true, force: true });
  generate(folder);
}

/** Generates the code into the folder `gen` of `output`. */
function generate(output: string): void {
  buf("generate", "--output", output);
  writeFileSync(
    join(output, "gen", "descriptors.ts"),
    describeFiles(describe("json").toString(), describe("binpb")),
  );
}

/** All files as a FileDescriptorSet. */
function describe(format: "json" | "binpb"): Buffer {
  const made = mkdtempSync(join(tmpdir(), "proto-"));
  const file = join(made, `all.${format}`);
  try {
    const whole = ["--exclude-source-info", "--as-file-descriptor-set"];
    buf("build", ...whole, "--output", file);
    return readFileSync(file);
  } finally {
    rmSync(made, { recursive: true, force: true });
  }
}

function buf(...args: string[]): void {
  const { status } = spawnSync(
    process.execPath,
    ["node_modules/@bufbuild/buf/bin/buf", ...args],
    { cwd: folder, stdio: "inherit" },
  );
  if (status !== 0) fail("The protobuf code could not be made; see above.");
}

/** The files that differ, or are in one folder only. */
function differences(one: string, other: string): string[] {
  const [a, b] = [read(one), read(other)];
  return [...new Set([...a.keys(), ...b.keys()])].filter(
    (file) => a.get(file) !== b.get(file),
  );
}

function read(top: string): Map<string, string> {
  return new Map(
    readdirSync(top, { recursive: true, encoding: "utf8" })
      .filter((file) => file.endsWith(".ts"))
      .map((file) => [file, readFileSync(join(top, file), "utf8")]),
  );
}
