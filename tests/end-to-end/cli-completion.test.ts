/** `dapr completion` of the shipped CLI, and what its scripts ask for at each Tab. */
import { spawnSync } from "node:child_process";
import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { tempFolder } from "../support/temp-folder.ts";
import { cli, launcher, workspace } from "./cli-process.ts";

const { dir, remove } = workspace();
afterAll(remove);

async function dapr(...args: string[]) {
  const run = cli(args, { cwd: dir });
  return { code: await run.exit, out: run.out, err: run.err };
}

const offered = async (...words: string[]) =>
  (await dapr("__complete", ...words)).out
    .trimEnd()
    .split("\n")
    .map((line) => line.split("\t")[0]);

test("commands are those of the help", async () => {
  const help = (await dapr("--help")).out;
  const [, listed = ""] = /Available Commands:\n([^]*?)\n\n/.exec(help) ?? [];
  const names = listed.split("\n").map((line) => line.trim().split(" ")[0]);
  expect(await offered("zsh", "")).toEqual([...names, "help"]);
});

test.each([
  [
    ["zsh", "com"],
    ["components", "completion"],
  ],
  [["zsh", "--runtime-path", "x", "buil"], ["build-info"]],
  [
    ["zsh", "run", "--app-p"],
    ["--app-port", "--app-protocol"],
  ],
  [["zsh", "run", "--components-p"], [""]], // deprecated
  [["zsh", "run", "--log-level", "d"], ["debug"]],
  [["fish", "run", "--log-level=d"], ["--log-level=debug"]],
  [["bash", "run", "--log-level", "=", "d"], ["debug"]],
  [
    ["zsh", "run", "-P", "h"],
    ["http", "https", "h2c"],
  ],
  [["zsh", "run", "--resources-path", ""], [":folder"]],
  [["zsh", "run", "-f", ""], [":file"]],
  [["zsh", "run", "--", "node", "--inspect", ""], [":file"]],
  [
    ["powershell", "mtls", ":exp"],
    ["expiry", "export"],
  ],
  [
    ["powershell", "completion", ":"],
    ["bash", "zsh", "fish", "powershell"],
  ],
  [["zsh", "help", "ver"], ["version"]],
  [["zsh", "no-such-command", ""], [""]],
])("the words %j are completed by %j", async (words, wanted) => {
  expect(await offered(...words)).toEqual(wanted);
});

test("IDs of running apps are offered where one is asked for", async () => {
  const id = `completed-${process.pid}`;
  const run = cli(["run", "-a", id, "--resources-path", "resources"], {
    cwd: dir,
  });
  await run.prints("You're up and running!");
  for (const words of [
    ["stop", "-a"],
    ["stop"],
    ["invoke", "--app-id"],
    ["logs", "-a"],
  ])
    expect(await offered("zsh", ...words, "completed-")).toContain(id);
  run.signal("SIGTERM");
  expect(await run.exit).toBe(0);
});

test("the script for bash completes commands, flags, values and files", () => {
  const folder = tempFolder("dapr-completion");
  mkdirSync(join(folder, "my folder"));
  writeFileSync(join(folder, "my file"), "");
  symlinkSync(launcher, join(folder, "dapr"));
  const at = (...words: string[]) =>
    spawnSync(
      "bash",
      [
        "-c",
        `source <(dapr completion bash) && COMP_WORDS=("$@") COMP_CWORD=$(($# - 1)) && _dapr && printf '%s\n' "\${COMPREPLY[@]}"`,
        "bash",
        "dapr",
        ...words,
      ],
      {
        encoding: "utf8",
        cwd: folder,
        env: {
          ...process.env,
          PATH: `${folder}:${dirname(process.execPath)}:/usr/bin:/bin`,
        },
      },
    ).stdout.trimEnd();
  expect(at("uninst")).toBe("uninstall");
  expect(at("run", "--app-id", "x", "--enable-prof")).toBe(
    "--enable-profiling",
  );
  expect(at("run", "--log-level", "=", "f")).toBe("fatal");
  expect(at("run", "--log-level", "=")).toContain("debug\ninfo\n");
  expect(at("run", "--resources-path", "my")).toBe("my folder");
  expect(at("run", "-f", "my").split("\n").sort()).toEqual([
    "my file",
    "my folder",
  ]);
});

test.each([
  ["bash", ["-n"]],
  ["zsh", ["-n"]],
  ["fish", ["--no-execute"]],
])("the script for %s is one that this shell reads", async (shell, flags) => {
  const { code, out } = await dapr("completion", shell);
  expect(code).toBe(0);
  expect(out).toContain(`__complete ${shell} `);
  const { error, status, stderr } = spawnSync(shell, [...flags], {
    input: out,
    encoding: "utf8",
  });
  // Where the shell is not installed, only the text is checked.
  if (error) expect((error as NodeJS.ErrnoException).code).toBe("ENOENT");
  else expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
});

test("an unknown shell, or none, is a usage error", async () => {
  expect(await dapr("completion", "tcsh")).toMatchObject({
    code: 255,
    out: 'unknown shell "tcsh"; there are bash, zsh, fish, powershell\n',
  });
  expect((await dapr("completion")).out).toBe(
    "name one shell: bash, zsh, fish, powershell\n",
  );
});
