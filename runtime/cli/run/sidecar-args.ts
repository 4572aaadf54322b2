/** Makes the sidecar's command line. */
import { existsSync } from "node:fs";
import { parseQuantity } from "../../shared/units.ts";
import { maxYamlBytes, readRegular } from "../../shared/files/read-regular.ts";
import { resourceFolders } from "./app-spec.ts";
import type { AppSpec } from "./app-spec.ts";

/** The sidecar's command line: booleans bare, empty values dropped. */
export async function sidecarArgs(spec: AppSpec): Promise<string[]> {
  const args: string[] = [];
  const add = (name: string, value: string | number) => {
    if (value !== "") args.push(`--${name}`, String(value));
  };
  const addNumber = (name: string, value: number) => {
    if (value > 0) add(name, value);
  };
  const addSwitch = (name: string, on: boolean) => {
    if (on) args.push(`--${name}`);
  };
  add("app-id", spec.appId);
  add("app-port", Math.max(0, spec.appPort));
  add("app-protocol", spec.appProtocol);
  if (spec.appChannelAddress !== "127.0.0.1")
    add("app-channel-address", spec.appChannelAddress);
  add(
    "app-max-concurrency",
    spec.appMaxConcurrency < 1 ? -1 : spec.appMaxConcurrency,
  );
  add("dapr-http-port", spec.daprHttpPort);
  add("dapr-grpc-port", spec.daprGrpcPort);
  add("dapr-internal-grpc-port", spec.daprInternalGrpcPort);
  add("metrics-port", spec.metricsPort);
  add("profile-port", spec.profilePort);
  addSwitch("enable-profiling", spec.enableProfiling);
  add("config", spec.configFile);
  // The folder of the old flag goes here too: the user has been told of the new name already.
  for (const path of resourceFolders(spec)) add("resources-path", path);
  add("log-level", spec.logLevel);
  addSwitch("log-as-json", spec.logAsJson);
  add("max-body-size", bodySize(spec.maxBodySize));
  add("read-buffer-size", bodySize(spec.readBufferSize));
  addSwitch("enable-api-logging", spec.enableApiLogging);
  addSwitch("enable-app-health-check", spec.enableAppHealthCheck);
  add("app-health-check-path", spec.appHealthCheckPath);
  addNumber("app-health-probe-interval", spec.appHealthProbeInterval);
  addNumber("app-health-probe-timeout", spec.appHealthProbeTimeout);
  addNumber("app-health-threshold", spec.appHealthThreshold);
  const windows = process.platform === "win32";
  add(
    "placement-host-address",
    withPort(spec.placementHostAddress, windows ? 6050 : 50005),
  );
  add(
    "scheduler-host-address",
    withPort(spec.schedulerHostAddress, windows ? 6060 : 50006),
  );
  add("unix-domain-socket", spec.unixDomainSocket);
  add("dapr-listen-addresses", spec.daprListenAddresses);
  if (await wantsMtls(spec.configFile))
    args.push("--enable-mtls", "--sentry-address", "localhost:50001");
  return args;
}

const bodySize = (text: string) => (parseQuantity(text) < 0 ? "-1" : text);

const withPort = (address: string, port: number) =>
  address === "" || address.includes(":") ? address : `${address}:${port}`;

/** Whether the configuration has `spec.mtls.enabled: true`. If the file is wrong, the sidecar will say why. */
async function wantsMtls(path: string): Promise<boolean> {
  if (path === "" || !existsSync(path)) return false;
  const { parseWithin } = await import("../../shared/yaml-document.ts");
  try {
    const document = parseWithin(readRegular(path, maxYamlBytes));
    return (
      document.errors.length === 0 &&
      document.getIn(["spec", "mtls", "enabled"]) === true
    );
  } catch {
    return false;
  }
}
