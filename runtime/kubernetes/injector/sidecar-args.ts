/** The sidecar's command line, as annotated: the table of options says which annotation is which flag (docs/protocol/kubernetes.md). */
import { allOptions, options } from "../../options/index.ts";
import type { Annotation, Option } from "../../options/option.ts";
import type { Annotations } from "../annotations.ts";
import { sidecar } from "../names.ts";
import type { InjectorConfig, InjectorState } from "./config.ts";

export interface SidecarPorts {
  http: number;
  grpc: number;
  internalGrpc: number;
  metrics: number;
}

export function sidecarPorts(a: Annotations): SidecarPorts {
  const annotated = (flag: PortFlag) => {
    const { name = flag, default: usual }: PortAnnotation = options[flag].pod;
    return a.port(name, usual);
  };
  return {
    http: sidecar.httpPort,
    grpc: annotated("dapr-grpc-port"),
    internalGrpc: annotated("dapr-internal-grpc-port"),
    metrics: annotated("metrics-port"),
  };
}

type PortFlag = "dapr-grpc-port" | "dapr-internal-grpc-port" | "metrics-port";
type PortAnnotation = { name?: string; default: number };

/** Flag and value are separate words, as readers of the pod (`dapr list -k`) expect. */
export function sidecarArgs(
  a: Annotations,
  appId: string,
  config: InjectorConfig,
  state: InjectorState,
): string[] {
  const byHand = {
    "app-id": appId,
    "app-protocol": protocolOf(a),
    "dapr-http-port": sidecar.httpPort,
    "dapr-public-port": sidecar.publicPort,
    mode: "kubernetes",
    "control-plane-address": config.operatorAddress,
    "sentry-address": config.sentryAddress,
  };
  const annotated = allOptions.flatMap(([flag, { pod }]) =>
    pod && isWanted(a, pod) ? argsOf(a, flag, pod) : [],
  );
  const args = [
    "/daprd",
    ...Object.entries(byHand).flatMap(pair),
    ...annotated,
  ];
  if (state.mtls) args.push("--enable-mtls");
  if (a.text("unix-domain-socket-path"))
    args.push(...pair(["unix-domain-socket", sidecar.socketPath]));
  return args;
}

const pair = ([flag, value]: [string, unknown]) => [`--${flag}`, String(value)];

/** Some are handed on together with a switch only. */
function isWanted(a: Annotations, { with: other }: Annotation): boolean {
  if (other === undefined) return true;
  const usual = (options as Record<string, Option>)[other]?.pod?.default;
  return a.truthy(other, usual === true);
}

function argsOf(
  a: Annotations,
  flag: string,
  { name = flag, as, default: usual }: Annotation,
): string[] {
  const given = (value: unknown) =>
    value === undefined ? [] : pair([flag, value]);
  switch (as) {
    case "text": {
      // An empty one overrides a default.
      const text = a.text(name) ?? usual;
      return text === "" && usual === undefined ? [] : given(text);
    }
    case "number":
      return given(a.optionalNumber(name) ?? usual);
    case "port": {
      const port = a.port(name, Number(usual));
      return port > 0 ? given(port) : [];
    }
    case "switch":
      if (a.truthy(name, usual === true)) return [`--${flag}`];
      return usual === true ? [`--${flag}=false`] : [];
    case "stated":
      return a.has(name) ? [`--${flag}=${a.truthy(name, false)}`] : [];
    case "by hand":
      return [];
  }
}

/** Read in any case; an empty one is http, as for the sidecar. */
const protocolOf = (a: Annotations) =>
  (a.text("app-protocol") || "http").toLowerCase();

/** The value of the app's APP_PROTOCOL; undefined for an unknown protocol. */
export function appProtocol(a: Annotations): string | undefined {
  const protocol = protocolOf(a);
  const { words } = options["app-protocol"].choices;
  if (!words.some((word) => word === protocol)) return undefined;
  const plain = protocol === "http" || protocol === "grpc";
  return plain && a.truthy("app-ssl", false) ? `${protocol}s` : protocol;
}
