import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { appEnv, socketPath, specFromFlags } from "./app-spec.ts";
import { globalFlags } from "../command.ts";
import type { FlagValues } from "../command.ts";
import { parseArgs } from "../parse.ts";
import { runFlags } from "./run-flags.ts";
import { sidecarArgs } from "./sidecar-args.ts";

const home = mkdtempSync(join(tmpdir(), "dapr-home-"));
mkdirSync(join(home, "components"));
afterAll(() => rmSync(home, { recursive: true, force: true }));

type Values = FlagValues<typeof runFlags & typeof globalFlags>;

const spec = (...args: string[]) => {
  const { values } = parseArgs({ ...runFlags, ...globalFlags }, args, {});
  return specFromFlags(values as Values, "orders", home, []);
};
const argsOf = async (...args: string[]) =>
  (await sidecarArgs(spec(...args))).join(" ");

test("what is always there, booleans bare and empty values left out", async () => {
  const services = process.platform === "win32" ? [6050, 6060] : [50005, 50006];
  expect(
    await argsOf(
      "-H",
      "1",
      "-G",
      "2",
      "-I",
      "3",
      "-M",
      "4",
      "--enable-api-logging",
    ),
  ).toBe(
    "--app-id orders --app-port 0 --app-protocol http --app-max-concurrency -1 " +
      `--resources-path ${join(home, "components")} --dapr-http-port 1 --dapr-grpc-port 2 ` +
      "--dapr-internal-grpc-port 3 --metrics-port 4 --profile-port -1 --enable-api-logging --log-level info " +
      "--max-body-size 4Mi --read-buffer-size 4Ki " +
      `--placement-host-address localhost:${services[0]} --scheduler-host-address localhost:${services[1]}`,
  );
});

test.each([
  [
    ["--resources-path", "a", "--resources-path", "b"],
    "--resources-path a --resources-path b",
  ],
  [["--app-channel-address", "10.0.0.1"], "--app-channel-address 10.0.0.1"],
  [["--app-max-concurrency", "0"], "--app-max-concurrency -1"],
  [["--app-protocol", "GRPC", "--app-ssl"], "--app-protocol grpcs"],
  [["--max-body-size", "-5"], "--max-body-size -1"],
  [["--dapr-http-max-request-size", "8"], "--max-body-size 8Mi"],
  [["--dapr-http-read-buffer-size", "8"], "--read-buffer-size 8Ki"],
  [["--placement-host-address", "other:1"], "--placement-host-address other:1"],
  [["--app-health-threshold", "4"], "--app-health-threshold 4"],
])("%j gives %s", async (flags, expected) => {
  expect(` ${await argsOf(...flags)} `).toContain(` ${expected} `);
});

test("an empty address switches a service off; a resources folder beats the old flag's", async () => {
  expect(await argsOf("--placement-host-address", "")).not.toContain(
    "placement",
  );
  expect(await argsOf("--resources-path", "a")).not.toContain(
    "components-path",
  );
});

test("a configuration with mTLS brings its flags", async () => {
  const file = join(home, "config.yaml");
  expect(await argsOf()).not.toContain("--config");
  writeFileSync(file, "spec:\n  tracing:\n    enabled: true\n");
  expect(await argsOf()).toContain(`--config ${file}`);
  expect(await argsOf()).not.toContain("--enable-mtls");
  writeFileSync(file, "spec:\n  mtls:\n    enabled: true\n");
  expect(await argsOf()).toContain(
    "--enable-mtls --sentry-address localhost:50001",
  );
});

test("the app's environment has its port only if it has one", () => {
  expect(appEnv(spec("-P", "HTTP"))).toMatchObject({
    APP_ID: "orders",
    APP_PROTOCOL: "http",
  });
  expect(appEnv(spec())).not.toHaveProperty("APP_PORT");
  expect(appEnv(spec("-p", "3000"))["APP_PORT"]).toBe("3000");
});

test("socket paths", () => {
  expect(socketPath(spec(), "http")).toBeUndefined();
  expect(socketPath(spec("-u", "/run/x"), "grpc")).toBe(
    join("/run/x", "dapr-orders-grpc.socket"),
  );
});
