/** The flags of `dapr run`, old spellings included. */
import type { FlagTable, FlagValues } from "../command.ts";

const oldName = (flag: string) => `Use "${flag}" flag instead`;
const leaving = (flag: string) =>
  `This flag is deprecated and will be removed in the future releases. ${oldName(flag)}`;

export const runFlags = {
  "app-id": {
    type: "string",
    short: "a",
    about:
      "The ID of your app, by which others find it; a random one if absent",
  },
  "app-port": {
    type: "int",
    short: "p",
    default: -1,
    about: "The port your app listens on",
  },
  "app-protocol": {
    type: "string",
    short: "P",
    default: "http",
    about: "How the sidecar talks to your app: http, https, grpc, grpcs, h2c",
  },
  "app-channel-address": {
    type: "string",
    default: "127.0.0.1",
    about: "The address your app listens on",
  },
  "app-max-concurrency": {
    type: "int",
    default: -1,
    about: "At most this many calls to your app at a time; -1 is no limit",
  },
  config: {
    type: "string",
    short: "c",
    about: "The configuration file; <dapr>/config.yaml if absent",
  },
  "resources-path": {
    type: "list",
    about:
      "A folder of component files; may be repeated; <dapr>/components if absent",
  },
  "components-path": {
    type: "string",
    short: "d",
    about: "A folder of component files",
    deprecated: leaving("resources-path"),
  },
  "run-file": {
    type: "string",
    short: "f",
    about:
      "Run all apps of this run file (a .yaml file, a folder with a dapr.yaml, - for stdin)",
  },
  kubernetes: {
    type: "bool",
    short: "k",
    about: "Run the apps of a run file in Kubernetes (not available yet)",
  },
  "dapr-http-port": {
    type: "int",
    short: "H",
    default: -1,
    about: "The sidecar's HTTP port; -1 picks a free one",
  },
  "dapr-grpc-port": {
    type: "int",
    short: "G",
    default: -1,
    about: "The sidecar's gRPC port; -1 picks a free one",
  },
  "dapr-internal-grpc-port": {
    type: "int",
    short: "I",
    default: -1,
    about: "The port for other sidecars; -1 picks a free one",
  },
  "metrics-port": {
    type: "int",
    short: "M",
    default: -1,
    about: "The sidecar's metrics port; -1 picks a free one",
  },
  "profile-port": {
    type: "int",
    default: -1,
    about: "The profiling port, with --enable-profiling",
  },
  "enable-profiling": {
    type: "bool",
    about: "Serve profiles on the profiling port",
  },
  "enable-api-logging": {
    type: "bool",
    about: "Log each call of the sidecar's API",
  },
  "enable-app-health-check": {
    type: "bool",
    about:
      "Ask your app for its health, and send it work only while it is well",
  },
  "app-health-check-path": {
    type: "string",
    about: "The path of the health check; /healthz if absent",
  },
  "app-health-probe-interval": {
    type: "int",
    about: "Seconds between health checks",
  },
  "app-health-probe-timeout": {
    type: "int",
    about: "Milliseconds until a health check counts as failed",
  },
  "app-health-threshold": {
    type: "int",
    about: "Failed health checks in a row until your app counts as ill",
  },
  "app-ssl": {
    type: "bool",
    about: "Talk TLS to the app",
    deprecated: leaving("app-protocol"),
  },
  "log-level": {
    type: "string",
    default: "info",
    about: "debug, info, warn, error, fatal or panic",
  },
  "max-body-size": {
    type: "string",
    default: "4Mi",
    about: "The largest request body",
  },
  "read-buffer-size": {
    type: "string",
    default: "4Ki",
    about: "The largest block of request headers",
  },
  "placement-host-address": {
    type: "string",
    default: "localhost",
    about: 'Where the actor placement service is; "" for none',
  },
  "scheduler-host-address": {
    type: "string",
    default: "localhost",
    about: 'Where the scheduler service is; "" for none',
  },
  "unix-domain-socket": {
    type: "string",
    short: "u",
    about: "Serve the API on Unix sockets in this folder instead of on ports",
  },
  "dapr-listen-addresses": {
    type: "string",
    about:
      "Addresses the sidecar listens on, comma-separated; loopback if absent",
  },
  // Spellings of older releases (the second column of the original's changelogs).
  port: {
    type: "int",
    about: "",
    aliasOf: "dapr-http-port",
    deprecated: oldName("dapr-http-port"),
  },
  "grpc-port": {
    type: "int",
    about: "",
    aliasOf: "dapr-grpc-port",
    deprecated: oldName("dapr-grpc-port"),
  },
  protocol: {
    type: "string",
    about: "",
    aliasOf: "app-protocol",
    deprecated: oldName("app-protocol"),
  },
  "max-concurrency": {
    type: "int",
    about: "",
    aliasOf: "app-max-concurrency",
    deprecated: oldName("app-max-concurrency"),
  },
  "placement-host": {
    type: "string",
    about: "",
    aliasOf: "placement-host-address",
    deprecated: oldName("placement-host-address"),
  },
  "dapr-http-max-request-size": {
    type: "int",
    about: "",
    default: -1,
    deprecated: oldName("max-body-size"),
  },
  "dapr-http-read-buffer-size": {
    type: "int",
    about: "",
    default: -1,
    deprecated: oldName("read-buffer-size"),
  },
} as const satisfies FlagTable;

export type RunFlags = FlagValues<typeof runFlags>;
