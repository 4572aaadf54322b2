/** The options of `dapr run`, in the order of its help; most are the sidecar's, too. */
import type { Option } from "./option.ts";
import {
  anyCase,
  bytes,
  flag,
  flagOrUnset,
  later,
  list,
  oneOf,
  port,
  text,
  whole,
} from "./sidecar-flag.ts";
import { parseQuantity } from "../shared/units.ts";

const onWindows = process.platform === "win32";

const withPort = (address: string, port: number) =>
  address === "" || address.includes(":") ? address : `${address}:${port}`;

/** The original's sidecar takes -1 for its default. */
const sizeOrDefault = (value: string) =>
  parseQuantity(value) < 0 ? "-1" : value;

const always = (value: string) => value;

export const runOptions = {
  "app-id": {
    run: {
      type: "string",
      short: "a",
      about:
        "The ID of your app, by which others find it; a random one if absent",
    },
    file: { key: "appID" },
    daprd: text("Id of the app, without dots; required"),
    pod: { as: "by hand" },
    appEnv: "APP_ID",
  },
  "app-port": {
    run: {
      type: "int",
      short: "p",
      default: -1,
      about: "The port your app listens on",
    },
    file: { key: "appPort" },
    daprd: port("Port the app listens on; none = output only", 0),
    pod: { as: "port", default: 0 },
    appEnv: "APP_PORT",
    pass: (value) => (Number(value) > 0 ? value : "0"),
    port: { name: "AppPort", of: "app" },
  },
  "app-protocol": {
    run: {
      type: "string",
      short: "P",
      default: "http",
      about: "How the sidecar talks to your app: http, https, grpc, grpcs, h2c",
    },
    file: { key: "appProtocol", common: true },
    daprd: anyCase(
      oneOf("http, https, h2c, grpc, grpcs", [
        "http",
        "https",
        "h2c",
        "grpc",
        "grpcs",
      ]),
    ),
    pod: { as: "by hand" },
    appEnv: "APP_PROTOCOL",
    choices: {
      what: "app protocol",
      words: ["http", "https", "grpc", "grpcs", "h2c"],
    },
  },
  "app-channel-address": {
    run: {
      type: "string",
      default: "127.0.0.1",
      about: "The address your app listens on",
    },
    // As in the original: an app of a run file then finds an empty APP_CHANNEL_ADDRESS.
    file: { key: "appChannelAddress", default: "" },
    daprd: text("Address the app listens on", "127.0.0.1"),
    pod: { as: "text" },
    appEnv: "APP_CHANNEL_ADDRESS",
    pass: (value) => (value === "127.0.0.1" ? "" : value),
  },
  "app-max-concurrency": {
    run: {
      type: "int",
      default: -1,
      about: "At most this many calls to your app at a time; -1 is no limit",
    },
    file: { key: "appMaxConcurrency", common: true },
    daprd: whole(
      "Calls to the app under way at a time; -1 or 0 = no limit",
      -1,
    ),
    pod: { as: "number" },
    pass: (value) => (Number(value) < 1 ? "-1" : value),
  },
  config: {
    run: {
      type: "string",
      takes: "file",
      short: "c",
      about: "The configuration file; <dapr>/config.yaml if absent",
    },
    file: { key: "configFilePath", common: true },
    daprd: list(
      "Configuration file; repeatable, later ones overlay; in kubernetes mode its name",
    ),
    pod: { as: "text" },
  },
  "resources-path": {
    run: {
      type: "list",
      takes: "folder",
      about:
        "A folder of component files; may be repeated; <dapr>/components if absent",
    },
    file: { key: "resourcesPaths", common: true },
    daprd: list("Folder of resource files; repeatable"),
  },
  "run-file": {
    run: {
      type: "string",
      takes: "file",
      short: "f",
      about:
        "Run all apps of this run file (a .yaml file, a folder with a dapr.yaml, - for stdin)",
    },
  },
  kubernetes: {
    run: {
      type: "bool",
      short: "k",
      about: "Run the apps of a run file in Kubernetes",
    },
  },
  "dapr-http-port": {
    run: {
      type: "int",
      short: "H",
      default: -1,
      about: "The sidecar's HTTP port; -1 picks a free one",
    },
    file: { key: "daprHTTPPort" },
    daprd: port("HTTP API port", 3500),
    appEnv: "DAPR_HTTP_PORT",
    port: { name: "HTTPPort", of: "sidecar" },
  },
  "dapr-grpc-port": {
    run: {
      type: "int",
      short: "G",
      default: -1,
      about: "The sidecar's gRPC port; -1 picks a free one",
    },
    file: { key: "daprGRPCPort" },
    daprd: port("gRPC API port", 50001),
    pod: { name: "grpc-port", as: "port", default: 50001 },
    appEnv: "DAPR_GRPC_PORT",
    port: { name: "GRPCPort", of: "sidecar" },
  },
  "dapr-internal-grpc-port": {
    run: {
      type: "int",
      short: "I",
      default: -1,
      about: "The port for other sidecars; -1 picks a free one",
    },
    file: { key: "daprInternalGRPCPort" },
    daprd: port("Port for other sidecars; 0 = any free", 0),
    pod: { name: "internal-grpc-port", as: "port", default: 50002 },
    port: { name: "InternalGRPCPort", of: "sidecar" },
  },
  "metrics-port": {
    run: {
      type: "int",
      short: "M",
      default: -1,
      about: "The sidecar's metrics port; -1 picks a free one",
    },
    file: { key: "metricsPort" },
    daprd: port("Metrics port", 9090),
    pod: { as: "port", default: 9090, with: "enable-metrics" },
    appEnv: "DAPR_METRICS_PORT",
    port: { name: "MetricsPort", of: "sidecar" },
  },
  "profile-port": {
    run: {
      type: "int",
      default: -1,
      about: "The profiling port, with --enable-profiling",
    },
    file: { key: "profilePort" },
    daprd: port("Profiling port", 7777, later),
    pass: always,
    port: { name: "ProfilePort", of: "sidecar", with: "enable-profiling" },
  },
  "enable-profiling": {
    run: { type: "bool", about: "Serve profiles on the profiling port" },
    file: { key: "enableProfiling", common: true },
    daprd: flag("Serve profiles", false, later),
    pod: { as: "switch" },
  },
  "enable-api-logging": {
    run: { type: "bool", about: "Log each call of the sidecar's API" },
    file: { key: "enableApiLogging", common: true },
    daprd: flagOrUnset("Log every API call; unset: as the configuration says"),
    pod: { as: "stated" },
  },
  "enable-app-health-check": {
    run: {
      type: "bool",
      about:
        "Ask your app for its health, and send it work only while it is well",
    },
    file: { key: "enableAppHealthCheck", common: true },
    daprd: flag("Probe the app's health"),
    pod: { as: "switch" },
  },
  "app-health-check-path": {
    run: {
      type: "string",
      about: "The path of the health check; /healthz if absent",
    },
    file: { key: "appHealthCheckPath", common: true },
    daprd: text("Path of the probe", "/healthz"),
    pod: {
      as: "text",
      default: "/healthz",
      with: "enable-app-health-check",
    },
  },
  "app-health-probe-interval": {
    run: { type: "int", about: "Seconds between health checks" },
    file: { key: "appHealthProbeInterval", common: true },
    daprd: whole("Seconds between probes", 5),
    pod: { as: "number", default: 5, with: "enable-app-health-check" },
  },
  "app-health-probe-timeout": {
    run: {
      type: "int",
      about: "Milliseconds until a health check counts as failed",
    },
    file: { key: "appHealthProbeTimeout", common: true },
    daprd: whole("Milliseconds a probe may take", 500),
    pod: { as: "number", default: 500, with: "enable-app-health-check" },
  },
  "app-health-threshold": {
    run: {
      type: "int",
      about: "Failed health checks in a row until your app counts as ill",
    },
    file: { key: "appHealthThreshold", common: true },
    daprd: whole("Failed probes that make the app unhealthy", 3),
    pod: { as: "number", default: 3, with: "enable-app-health-check" },
  },
  "log-level": {
    run: {
      type: "string",
      default: "info",
      about: "debug, info, warn, error, fatal or panic",
    },
    file: { key: "logLevel", common: true },
    daprd: text("debug, info, warn, error, fatal or panic", "info"),
    pod: { as: "text", default: "info" },
    choices: {
      what: "log level",
      words: ["debug", "info", "warn", "error", "fatal", "panic"],
      also: ["warning"],
    },
  },
  "max-body-size": {
    run: { type: "string", default: "4Mi", about: "The largest request body" },
    file: { key: "maxBodySize", common: true },
    daprd: bytes("Largest request body, e.g. 4Mi", 4 * 1024 * 1024),
    pod: { as: "text" },
    pass: sizeOrDefault,
    size: "max request body size",
  },
  "read-buffer-size": {
    run: {
      type: "string",
      default: "4Ki",
      about: "The largest block of request headers",
    },
    file: { key: "readBufferSize", common: true },
    daprd: bytes("Largest request header, e.g. 4Ki", 4 * 1024),
    pod: { as: "text" },
    pass: sizeOrDefault,
    size: "read buffer size",
  },
  "placement-host-address": {
    run: {
      type: "string",
      default: "localhost",
      about: 'Where the actor placement service is; "" for none',
    },
    file: { key: "placementHostAddress", common: true, emptyCounts: true },
    daprd: text("Placement service", "", later),
    pod: { as: "text" },
    pass: (value) => withPort(value, onWindows ? 6050 : 50005),
  },
  "scheduler-host-address": {
    run: {
      type: "string",
      default: "localhost",
      about: 'Where the scheduler service is; "" for none',
    },
    // As in the original: an empty address means localhost again.
    file: { key: "schedulerHostAddress", common: true },
    daprd: list("Scheduler service", later),
    pod: { as: "text" },
    pass: (value) => withPort(value, onWindows ? 6060 : 50006),
  },
  "unix-domain-socket": {
    run: {
      type: "string",
      takes: "folder",
      short: "u",
      about: "Serve the API on Unix sockets in this folder instead of on ports",
    },
    file: { key: "unixDomainSocket" },
    daprd: text(
      "Directory for the APIs' Unix domain sockets, instead of ports",
    ),
    pod: { name: "unix-domain-socket-path", as: "by hand" },
  },
  "dapr-listen-addresses": {
    run: {
      type: "string",
      about:
        "Addresses the sidecar listens on, comma-separated; loopback if absent",
    },
    file: { key: "apiListenAddresses", common: true },
    daprd: text(
      "Addresses of the APIs, comma-separated; empty = loopback only (the original: all)",
    ),
    pod: {
      name: "sidecar-listen-addresses",
      as: "text",
      default: "[::1],127.0.0.1",
    },
  },
} as const satisfies Record<string, Option>;
