/** The shipped CLI's commands for a cluster, where there is none. */
import { spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseAllDocuments } from "yaml";
import { cli, launcher, workspace } from "./cli-process.ts";

const { dir, remove } = workspace();
afterAll(remove);

/** A kubeconfig that does not exist: a command that gets as far as the cluster fails. */
const env = { KUBECONFIG: join(dir, "none.yaml") };

async function dapr(...args: string[]) {
  const run = cli(args, { cwd: dir, env });
  const code = await run.exit;
  expect(run.err).not.toMatch(/^ +at /m); // no stack trace
  return { code, out: run.out, err: run.err };
}

test.each([
  [["init", "-k", "--timeout", "-1"], "--timeout -1 is not a time to wait"],
  [["uninstall", "-k", "--timeout=0"], "--timeout 0 is not a time to wait"],
  [
    ["upgrade", "-k", "--runtime-version", "1", "--timeout=99999999999"],
    "--timeout 99999999999 is not",
  ],
  [
    ["init", "-k", "--dry-run", "-n", "Bad NS!"],
    `--namespace "Bad NS!" can't be a namespace`,
  ],
  [["init", "-k", "-n", "default"], "can't be the control plane's"],
  [["uninstall", "-k", "-n", "Bad NS!"], "can't be a namespace"],
  [["list", "-k", "--namespace", "Bad NS!"], "can't be a namespace"],
  [["logs", "-k", "-a", "x", "-n", "Bad NS!"], "can't be a namespace"],
  [["components", "-k", "--namespace", "a.b"], "can't be a namespace"],
  [["init", "-k", "--set", "a=b"], "--set a: there is no such setting here"],
  [["init", "-k", "--enable-ha"], "--enable-ha is not available yet"],
  [["dashboard", "-k", "-n", "Bad NS!"], "can't be a namespace"],
  [["run", "-k", "-f", "none.yaml"], "Failed to get run file path: "],
  [["annotate", "-k", "none.yaml"], "could not read none.yaml: ENOENT"],
  [
    ["annotate", "-k", "http://127.0.0.1:1/a.yaml"],
    "could not read http://127.0.0.1:1/a.yaml: ",
  ],
])(
  "%j is refused with a reason, exit code 1 and nothing on stdout",
  async (args, why) => {
    const { code, out, err } = await dapr(...args);
    expect({ code, out }).toEqual({ code: 1, out: "" });
    expect(err.startsWith("❌  ")).toBe(true);
    expect(err).toContain(why);
  },
);

test.each([[["mtls"]], [["status"]], [["upgrade"]]])(
  "%j needs -k",
  async (args) => {
    const { code, err } = await dapr(...args);
    expect(code).toBe(255);
    expect(err).toMatch(/^Error: required flag\(s\) "kubernetes"/);
  },
);

test("--dry-run prints the manifests, with the settings of --set, and needs no cluster", async () => {
  const { code, out, err } = await dapr(
    "init",
    "-k",
    "--dry-run",
    "-n",
    "shop",
    "--set",
    "dapr_sidecar_injector.allowedServiceAccounts=ci:runner,ci:*-bot",
  );
  expect({ code, err }).toEqual({ code: 0, err: "" });
  const objects = parseAllDocuments(out).map(
    (document) => document.toJS() as { kind: string; metadata: object },
  );
  expect(objects.find(({ kind }) => kind === "Namespace")?.metadata).toEqual({
    name: "shop",
    labels: {
      "app.kubernetes.io/managed-by": "dapr-quickstart-kit",
      "app.kubernetes.io/part-of": "dapr",
      "pod-security.kubernetes.io/enforce": "restricted",
    },
  });
  expect(out).toContain("value: ci:runner,ci:*-bot\n");
});

test("the note on namespaces is left out when one is named, and when it is switched off", async () => {
  const note = "⚠  In future releases, this command will only query";
  for (const kind of ["components", "configurations"])
    for (const output of ["list", "json"]) {
      const { code, out } = await dapr(kind, "-k", "-o", output);
      expect([code, out.startsWith(note)]).toEqual([1, true]);
      for (const more of [
        ["-A"],
        ["--namespace=x"],
        ["--no-namespace-warning"],
      ])
        expect(await dapr(kind, "-k", "-o", output, ...more)).toMatchObject({
          code: 1,
          out: "",
        });
    }
});

test("annotate -k works on a workload whose pod template is null", async () => {
  const file = join(dir, "web.yaml");
  writeFileSync(
    file,
    "kind: Deployment\nmetadata: {name: web}\nspec: {template: null} # later\n",
  );
  const { code, out } = await dapr("annotate", "-k", "-p", "3000", file);
  expect(code).toBe(0);
  expect(out).toContain('dapr.io/app-port: "3000"');
  expect(out).toContain("# later");
  expect(readFileSync(file, "utf8")).toContain("template: null");
});

(process.platform === "linux" ? test : test.skip).each([
  ["a reader that has gone", "| true", 0, ""],
  ["a full disk", "> /dev/full", 1, "the output could not be written: ENOSPC"],
])("--dry-run with %s", (_, where, code, said) => {
  const { status, stderr } = spawnSync(
    "bash",
    [
      "-c",
      `set -o pipefail; "$0" "$1" init -k --dry-run ${where}`,
      process.execPath,
      launcher,
    ],
    { encoding: "utf8" },
  );
  expect(status).toBe(code);
  if (said) expect(stderr).toContain(said);
  else expect(stderr).toBe("");
});
