/** daprd's command line (docs/protocol/daprd.md) and where its log goes. */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { withPort } from "../../runtime/shared/addresses.ts";
import { isListening } from "../../runtime/app/listening.ts";
import { startDaprd, stopAll, type DaprdOptions } from "../support/daprd.ts";
import { call, rawCall } from "../support/http.ts";
import { freePorts } from "../support/ports.ts";

afterEach(stopAll);

const failing = async (options: DaprdOptions) => {
  const sidecar = await startDaprd({ ...options, until: "nothing" });
  const { code } = await sidecar.exited;
  return { code, output: sidecar.output() };
};

test.each([
  [["--app-id="], "app-id parameter cannot be empty; give --app-id"],
  [["--app-id=a.b"], 'app-id "a.b" may not contain dots'],
  [["--nonsense"], "unknown flag: --nonsense"],
  [["--app-prot=1"], "unknown flag: --app-prot; did you mean --app-port?"],
  [
    ["--app-port=abc"],
    'invalid argument "abc" for "--app-port": "abc" is not a port (0-65535)',
  ],
  [["--app-port=70000"], 'invalid argument "70000" for "--app-port"'],
  [
    ["--max-body-size=100MB"],
    'invalid argument "100MB" for "--max-body-size": "100MB" is not a size such as 4Mi or 100k',
  ],
  [["--max-body-size=-1"], 'invalid argument "-1" for "--max-body-size"'],
  [
    ["--enable-api-logging=maybe"],
    'invalid argument "maybe" for "--enable-api-logging": invalid boolean value',
  ],
  [["--log-level=loud"], "undefined log output level: loud"],
  [
    ["--dapr-block-shutdown-duration=soon"],
    'invalid argument "soon" for "--dapr-block-shutdown-duration"',
  ],
  [["--mode=docker"], "it must be one of standalone, kubernetes"],
  [["--app-id"], "flag needs an argument: --app-id"],
  [["word"], 'unexpected argument "word"'],
])(
  "%j is refused with one clear line and exit code 2",
  async (args, message) => {
    const { code, output } = await failing({ args });
    expect(output).toContain(message);
    expect(output).toContain("See daprd --help.");
    expect(output).not.toMatch(/^\s+at /m);
    expect(code).toBe(2);
  },
);

test("an address in brackets is served, and one that this machine does not have is left out", async () => {
  const sidecar = await startDaprd({
    args: ["--dapr-listen-addresses=[::1], 192.0.2.1,127.0.0.1"],
  });
  expect((await sidecar.call("GET", "/v1.0/healthz/outbound")).status).toBe(
    204,
  );
  expect(sidecar.output()).toMatch(/an address is not served: .*192\.0\.2\.1/);
  expect(sidecar.output()).not.toContain("ENOTFOUND");
});

test.each([
  ["--dapr-listen-addresses=192.0.2.1,[::1],127.0.0.1", ["::1", "127.0.0.1"]],
  ["--dapr-listen-addresses=192.0.2.1,127.0.0.1", ["127.0.0.1"]],
  ["--dapr-internal-grpc-listen-address=[::1]", ["::1"]],
])("other sidecars are served with %s", async (arg, addresses) => {
  const sidecar = await startDaprd({ args: [arg] });
  const line = await sidecar.logged("Internal gRPC server is running on");
  const port = Number(/:(\d+)$/.exec(line)![1]);
  expect(line).toContain(
    addresses.map((address) => withPort(address, port)).join(", "),
  );
  for (const host of addresses)
    expect(await isListening(host, port)).toBe(true);
  if (arg.includes("192.0.2.1"))
    await sidecar.logged("an address is not served for other sidecars: ");
});

test("an address for other sidecars that this machine does not have ends the start, and the error names the flag", async () => {
  const { code, output } = await failing({
    args: ["--dapr-internal-grpc-listen-address=192.0.2.1"],
  });
  expect(output).toMatch(
    /could not listen on 192\.0\.2\.1:\d+ for other sidecars: .*; give another --dapr-internal-grpc-listen-address/,
  );
  expect(code).toBe(1);
});

test("the app's port must differ from the sidecar's", async () => {
  const [port] = (await freePorts(1)) as [number];
  const { code, output } = await failing({
    args: [`--app-port=${port}`, `--dapr-http-port=${port}`],
  });
  expect(output).toContain(`must differ from the 'app-port' value ${port}`);
  expect(code).toBe(2);
});

test("one port for two listeners is refused before anything is opened", async () => {
  const [port] = (await freePorts(1)) as [number];
  const { code, output } = await failing({
    args: [`--dapr-http-port=${port}`, `--dapr-public-port=${port}`],
  });
  expect(output).toBe(
    `daprd: dapr-http-port and dapr-public-port are both ${port}; they must differ\nSee daprd --help.\n`,
  );
  expect(code).toBe(2);
});

test.each([
  [["--version"], /^\d+\.\d+\.\d+\n$/],
  [["--build-info"], /^Version: \S+\nGit Commit: \S+\nGit Version: \S+\n$/],
  [["-h"], /^Usage: daprd --app-id ID \[flags\]\n[\s\S]+--resources-path/],
  [["--help"], /^Usage: daprd --app-id ID \[flags\]\n[\s\S]+--resources-path/],
])("%j prints its text and exits with 0", async (args, expected) => {
  const { code, output } = await failing({ args });
  expect(output).toMatch(expected);
  expect(code).toBe(0);
});

test("a flag may have one dash or two, and = or a space before its value", async () => {
  const [port] = (await freePorts(1)) as [number];
  const sidecar = await startDaprd({
    args: [
      "-app-id",
      "other",
      "-dapr-public-port",
      `${port}`,
      "-enable-api-logging",
    ],
  });
  expect((await call(port, "GET", "/v1.0/metadata")).json()).toMatchObject({
    id: "other",
  });
  await sidecar.call("GET", "/v1.0/metadata");
  await sidecar.logged("HTTP API Called");
});

test("flags of features that are still to come are named once, unless they have their defaults", async () => {
  const sidecar = await startDaprd({
    args: [
      "--profile-port=0",
      "--placement-host-address=localhost:50005",
      "--enable-mtls=false",
    ],
  });
  const lines = sidecar
    .messages()
    .filter((line) => line.includes("not acted upon"));
  expect(lines).toEqual([
    "These flags are accepted but not acted upon by this version: --profile-port, --placement-host-address, --enable-mtls",
  ]);
});

test("deprecated flags still work, with a notice, and the newer flag wins", async () => {
  const sidecar = await startDaprd({
    args: ["--dapr-http-max-request-size=1", "--dapr-http-read-buffer-size=16"],
  });
  expect(sidecar.messages()).toEqual(
    expect.arrayContaining([
      'Flag --dapr-http-max-request-size has been deprecated, use the "max-body-size" flag instead',
      "The request body size parameter is: 1048576 bytes",
    ]),
  );
  const long = await rawCall(
    sidecar.port,
    `GET /v1.0/metadata HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nx: ${"a".repeat(15_000)}\r\n\r\n`,
  );
  expect(long.status).toBe(200);
  const newer = await startDaprd({
    args: ["--dapr-http-max-request-size=1", "--max-body-size=2Mi"],
  });
  await newer.logged("The request body size parameter is: 2097152 bytes");
});

test("--components-path names a folder of components too", async () => {
  const { code, output } = await failing({
    args: ["--components-path=/no/such/folder"],
  });
  expect(output).toContain("Flag --components-path has been deprecated");
  expect(output).toContain(
    "could not read the resources directory /no/such/folder: it does not exist",
  );
  expect(code).toBe(1);
});

test("--log-as-json writes the same keys as JSON, sorted", async () => {
  const sidecar = await startDaprd({ args: ["--log-as-json"] });
  const lines = sidecar.output().trim().split("\n");
  expect(lines.length).toBeGreaterThan(5);
  for (const line of lines) {
    const keys = Object.keys(JSON.parse(line) as object);
    expect(keys).toEqual([
      "app_id",
      "instance",
      "level",
      "msg",
      "scope",
      "time",
      "type",
      "ver",
    ]);
  }
});

test("--log-level hides lower levels", async () => {
  const sidecar = await startDaprd({
    args: ["--log-level=WARN"],
    until: "ready",
  });
  expect(sidecar.output()).toContain("level=warning");
  expect(sidecar.output()).not.toContain("level=info");
});

test("--log-file gets every line, and one that cannot be written does not end the sidecar", async () => {
  const folder = mkdtempSync(join(tmpdir(), "daprd-log-"));
  try {
    const file = join(folder, "daprd.log");
    const logged = await startDaprd({ args: [`--log-file=${file}`] });
    await logged.stop();
    expect(readFileSync(file, "utf8")).toBe(logged.output());
    const unwritable = await startDaprd({ args: [`--log-file=${folder}`] });
    expect((await unwritable.call("GET", "/v1.0/metadata")).status).toBe(200);
    expect(unwritable.output()).toContain(`daprd: --log-file ${folder}: `);
    await unwritable.stop(); // it keeps trying to open the file
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("--wait returns once the sidecar at the port is ready for outbound calls", async () => {
  const sidecar = await startDaprd();
  const { code } = await failing({
    args: ["--wait", `--dapr-http-port=${sidecar.port}`],
  });
  expect(code).toBe(0);
});
