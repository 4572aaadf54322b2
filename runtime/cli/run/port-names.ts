/** The ports of an app and its sidecar, by their names: in the original's errors, in a spec, as a flag and as a run file's key. */
import type { AppSpec } from "./app-spec.ts";

interface PortName {
  name: string;
  of: {
    [K in keyof AppSpec]: AppSpec[K] extends number ? K : never;
  }[keyof AppSpec];
  flag: string;
  key: string;
}

export const sidecarPorts = [
  {
    name: "HTTPPort",
    of: "daprHttpPort",
    flag: "dapr-http-port",
    key: "daprHTTPPort",
  },
  {
    name: "GRPCPort",
    of: "daprGrpcPort",
    flag: "dapr-grpc-port",
    key: "daprGRPCPort",
  },
  {
    name: "MetricsPort",
    of: "metricsPort",
    flag: "metrics-port",
    key: "metricsPort",
  },
  {
    name: "InternalGRPCPort",
    of: "daprInternalGrpcPort",
    flag: "dapr-internal-grpc-port",
    key: "daprInternalGRPCPort",
  },
  {
    name: "ProfilePort",
    of: "profilePort",
    flag: "profile-port",
    key: "profilePort",
  },
] as const satisfies PortName[];

export const appPort = {
  name: "AppPort",
  of: "appPort",
  flag: "app-port",
  key: "appPort",
} as const satisfies PortName;

export type SidecarPort = (typeof sidecarPorts)[number];
