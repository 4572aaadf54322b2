/** The options of the sidecar that `dapr run` does not have. */
import { parseDurationMs } from "../shared/units.ts";
import type { Option } from "./option.ts";
import {
  flag,
  later,
  list,
  oneOf,
  port,
  text,
  time,
  whole,
} from "./sidecar-flag.ts";

export const sidecarOptions = {
  mode: {
    daprd: oneOf("standalone or kubernetes", ["standalone", "kubernetes"]),
  },
  "dapr-internal-grpc-listen-address": {
    daprd: text("Address for other sidecars; empty = that of the APIs"),
  },
  "dapr-public-port": {
    daprd: port("Port for health and metadata only; off unless set", 0),
  },
  "dapr-public-listen-address": {
    daprd: text("Address of the public port"),
  },
  "allowed-origins": {
    daprd: text(
      "Origins a browser may call from: * or a comma list; empty = no CORS",
    ),
  },
  "metrics-listen-address": {
    daprd: text(
      "Addresses of the metrics port, comma-separated; empty = loopback only, in kubernetes mode all (the original: all)",
    ),
  },
  "enable-metrics": {
    daprd: flag("Serve metrics", true),
    pod: { as: "switch", default: true },
  },
  "dapr-graceful-shutdown-seconds": {
    daprd: whole("Time limit of a graceful shutdown; 0 = none", 5),
    pod: { name: "graceful-shutdown-seconds", as: "number", default: -1 },
  },
  "dapr-block-shutdown-duration": {
    daprd: time(
      "Time the APIs stay up after a shutdown was asked for",
      undefined,
    ),
    pod: { name: "block-shutdown-duration", as: "text" },
  },
  "log-as-json": {
    daprd: flag("Log JSON lines"),
    pod: { as: "switch" },
  },
  "log-file": { daprd: text("Also write the log to this file") },
  "disable-init-endpoints": {
    daprd: text("App endpoints not to call at start: config, subscribe"),
    pod: { as: "text" },
  },
  "scheduler-job-streams": { daprd: whole("Scheduler connections", 3, later) },
  "actors-disseminate-timeout": {
    daprd: text("Placement time limit", "30s", later),
    pod: { as: "text" },
  },
  "control-plane-address": { daprd: text("Operator, in kubernetes mode") },
  "control-plane-trust-domain": {
    daprd: text("Trust domain", "localhost", later),
  },
  "control-plane-namespace": {
    daprd: text("Namespace of the control plane", "default", later),
  },
  "sentry-address": { daprd: text("Certificate authority", "", later) },
  "sentry-request-jwt-audiences": {
    daprd: list("Audiences of requested tokens", later),
    pod: { as: "text" },
  },
  "enable-mtls": { daprd: flag("Mutual TLS between sidecars", false, later) },
  "app-binding-options-timeout": {
    daprd: time("Time the app may take to answer OPTIONS for a binding", 3000),
    pod: { as: "text" },
  },
  "hot-reload-reconcile-interval": {
    daprd: time(
      "Resource folders are read again so often, changed or not; 0 is 60 s",
      0,
      {
        parse(v) {
          const ms = parseDurationMs(v, 1e-6);
          if (ms !== 0 && ms < 1000)
            throw new Error(`"${v}" is neither 0 nor at least 1s`);
          return ms;
        },
      },
    ),
  },
  version: { daprd: flag("Print the runtime version and exit") },
  "build-info": { daprd: flag("Print the build and exit") },
  wait: {
    daprd: flag(
      "Wait until the sidecar at --dapr-http-port is ready for output, 60 s at most",
    ),
  },
  help: { daprd: flag("Print this help and exit") },
  "disable-builtin-k8s-secret-store": {
    daprd: flag(
      "No secret store kubernetes in kubernetes mode unless a component makes it",
    ),
    pod: { as: "switch" },
  },
  "reminders-service": { daprd: text("Actor reminders", "", later) },
  "actors-service": { daprd: text("Actors", "", later) },
} as const satisfies Record<string, Option>;
