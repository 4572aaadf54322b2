/** Commands that end at once, usage errors and help, of the shipped CLI. */
import { join } from "node:path";
import { daprVersion, version } from "../../runtime/shared/version.ts";
import { cli, gone, workspace } from "./cli-process.ts";

const { dir, remove } = workspace();
afterAll(remove);

async function dapr(...args: string[]) {
  const run = cli(args, { cwd: dir });
  return { code: await run.exit, out: run.out, err: run.err };
}

test.each([
  [["run", "--nonsense"], "unknown flag: --nonsense"],
  [["run", "-m", "x"], "unknown shorthand flag: 'm' in -m"],
  [["run", "--app-id"], "flag needs an argument: --app-id"],
  [
    ["run", "python3", "-m", "http.server"],
    "unknown shorthand flag: 'm' in -m",
  ],
  [["nonsense"], 'unknown command "nonsense" for "dapr"'],
])(
  "the usage error %j is printed on both streams, with exit code 255",
  async (args, message) => {
    const { code, out, err } = await dapr(...args);
    expect(code).toBe(255);
    expect(out).toBe(`${message}\n`);
    expect(err.startsWith(`Error: ${message}\n`)).toBe(true);
    expect(err).toContain(
      args[0] === "run" ? "Usage:\n  dapr run" : "Run 'dapr --help'",
    );
  },
);

test("the error about a typing error makes a suggestion", async () => {
  expect((await dapr("rnu")).err).toContain("Did you mean this?\n\trun\n");
  expect((await dapr("run", "--app-prot", "3000")).err).toContain(
    "Did you mean --app-port?",
  );
});

test("help shows the banner, the commands, and each command's flags with examples", async () => {
  const root = await dapr();
  expect(root).toMatchObject({ code: 0, err: "" });
  expect(root.out).toContain(
    "Distributed Application Runtime\n\nUsage:\n  dapr [command]\n",
  );
  for (const args of [["--help"], ["help"], ["-h"]])
    expect((await dapr(...args)).out).toBe(root.out);
  const run = await dapr("run", "--help");
  expect(run.code).toBe(0);
  expect(run.out).toContain("\n  -p, --app-port int ");
  expect(run.out).toContain("dapr run -f dapr.yaml\n");
  expect(run.out).not.toContain("--components-path"); // deprecated flags are hidden
  expect((await dapr("help", "run")).out).toBe(run.out);
});

test("version is printed, in every spelling of the command", async () => {
  const text = `CLI version: ${version} \nRuntime version: ${daprVersion}\nKit: dapr-quickstart-kit ${version}; speaks the Dapr API of ${daprVersion}\n`;
  for (const args of [["version"], ["-v"], ["--version"]])
    expect(await dapr(...args)).toEqual({ code: 0, out: text, err: "" });
  expect(JSON.parse((await dapr("version", "-o", "json")).out)).toEqual({
    "Cli version": version,
    "Runtime version": daprVersion,
  });
});

test("the error about a command that is still to come says what works instead", async () => {
  const { code, err } = await dapr("scheduler", "list");
  expect(code).toBe(1);
  expect(err).toMatch(
    /^❌ {2}"dapr scheduler" is not in this version\. The jobs API is not served yet\. The binding bindings\.cron /,
  );
});

test.each([
  [["-H", "99999"], "invalid configuration for HTTPPort. Port 99999 is not"],
  [
    ["--config", "nope.yaml"],
    `validating configuration file "nope.yaml": stat ${join(dir, "nope.yaml")}: no such file or directory; `,
  ],
  [["--log-level", "bogus"], 'invalid log level "bogus": '],
])(
  "run %j is refused with one line, before anything starts",
  async (args, message) => {
    const { code, err } = await dapr("run", "--resources-path", dir, ...args);
    expect(code).toBe(1);
    expect(err).toMatch(/^❌ {2}[^\n]+\n$/);
    expect(err).toContain(message);
  },
);

test("stop prints an error line for an unknown app but exits with 0, also with JSON events", async () => {
  const plain = await dapr("stop", "--app-id", "cli-no-such-app");
  expect(plain).toEqual({
    code: 0,
    out: "",
    err: "❌  failed to stop app id cli-no-such-app: couldn't find app id cli-no-such-app\n",
  });
  const { err } = await dapr("--log-as-json", "stop", "cli-no-such-app");
  const event = JSON.parse(err) as Record<string, string>;
  expect(event).toMatchObject({
    status: "failure",
    msg: "failed to stop app id cli-no-such-app: couldn't find app id cli-no-such-app",
  });
  expect(event["time"]).toMatch(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/);
});

test("list prints the documented table or YAML, and refuses other formats", async () => {
  const id = `cli-list-${process.pid}`;
  const run = cli(
    [
      "run",
      "-a",
      id,
      "--resources-path",
      "resources",
      "--",
      process.execPath,
      "app.js",
      "with",
      "many",
      "arguments",
    ],
    { cwd: dir },
  );
  await run.prints("You're up and running!");
  await run.prints("== APP == a line on stderr");
  const appPid = Number(/app pid (\d+)/.exec(run.out)![1]);
  const { out } = await dapr("list");
  expect(out.split("\n")[0]).toMatch(
    /^APP ID +HTTP PORT +GRPC PORT +APP PORT +COMMAND +AGE +CREATED +DAPRD PID +CLI PID +APP PID/,
  );
  const row = out.split("\n").find((line) => line.startsWith(id))!;
  const command = `${process.execPath} app.js`.slice(0, 17);
  expect(row).toMatch(
    new RegExp(
      `^${id} +\\d+ +\\d+ +0 +${command}\\.\\.\\.  \\d+s +\\d{4}-\\d\\d-\\d\\d \\d\\d:\\d\\d\\.\\d\\d  \\d+ +${run.pid} +${appPid}`,
    ),
  );
  expect((await dapr("list", "-o", "yaml")).out).toContain(`- appId: ${id}\n`);
  expect(await dapr("list", "-o", "xml")).toEqual({
    code: 1,
    out: "",
    err: "❌  An invalid output format was specified.\n",
  });

  expect(await dapr("stop", "--app-id", id)).toEqual({
    code: 0,
    out: `✅  app stopped successfully: ${id}\n`,
    err: "",
  });
  expect(await run.exit).toBe(0);
  await gone([run.pid, appPid]);
});
