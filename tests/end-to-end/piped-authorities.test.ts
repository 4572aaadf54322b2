/** Node waits for ever on a pipe in NODE_EXTRA_CA_CERTS, so every program exits with an error that names it. */
import { execFile, execFileSync } from "node:child_process";
import { devNull } from "node:os";
import { dirname, join } from "node:path";
import { bundle } from "../support/daprd.ts";
import { tempFolder } from "../support/temp-folder.ts";

const pipe = join(tempFolder("piped-authorities"), "pipe.pem");
beforeAll(() => void execFileSync("mkfifo", [pipe]));

const ending = (args: string[], authorities: string) =>
  new Promise<{ code: unknown; stderr: string }>((resolve) => {
    const env = { PATH: process.env["PATH"], NODE_EXTRA_CA_CERTS: authorities };
    const options = { env, timeout: 60_000, killSignal: "SIGKILL" as const };
    execFile(process.execPath, args, options, (error, _, stderr) =>
      resolve({ code: error ? (error.signal ?? error.code) : 0, stderr }),
    );
  });

const cli = join(dirname(bundle), "dapr.js");

test.each([
  ["daprd", [bundle, "--app-id=a", "--dapr-http-port=0"]],
  ["dapr run", [cli, "run", "--app-id=a", "--", process.execPath, "-e", "0"]],
  ["dapr components -k", [cli, "components", "-k"]],
])("%s exits with an error that names the pipe", async (_, args) => {
  const { code, stderr } = await ending(args, pipe);
  expect(stderr).toContain(
    `NODE_EXTRA_CA_CERTS names ${pipe}, which is a pipe: reading it may never end. Name a file with certificates in PEM, or unset the variable.`,
  );
  expect(code).toBe(1);
});

test("/dev/null is no error", async () => {
  const { code } = await ending([bundle, "--version"], devNull);
  expect(code).toBe(0);
});
