/** The Service `APP-ID-dapr`, by which sidecars find each other (spec kubernetes §3). */
import { isTruthy } from "../../metadata.ts";
import { readAnnotations } from "../annotations.ts";
import { sidecarPorts } from "../injector/sidecar-args.ts";
import { annotation, appService } from "../names.ts";
import type { KubernetesObject, Workload } from "../objects.ts";

export interface Service extends KubernetesObject {
  spec: {
    selector: Record<string, string>;
    clusterIP?: string;
    ports: {
      name: string;
      port: number;
      targetPort: number;
      protocol: "TCP";
      appProtocol?: string;
    }[];
  };
}

/** The name of a workload's Service; undefined for one without a sidecar. */
export function serviceOf({ spec }: Workload): string | undefined {
  const a = readAnnotations(spec.template.metadata);
  const appId = a.text("app-id");
  // More forms of yes than the webhook takes (spec kubernetes §1).
  return isTruthy(a.text("enabled")) && appId ? appService(appId) : undefined;
}

/** What a Deployment's or StatefulSet's Service should be; undefined for one without a sidecar. */
export function appServiceOf(
  workload: Workload,
  kind: "Deployment" | "StatefulSet",
  mtls: boolean,
): Service | undefined {
  const { template, selector } = workload.spec;
  const service = serviceOf(workload);
  if (!service) return undefined;
  const a = readAnnotations(template.metadata);
  const { name = "", namespace = "", uid = "" } = workload.metadata;
  const ports = sidecarPorts(a);
  const metrics = a.truthy("enable-metrics", true);
  return {
    apiVersion: "v1",
    kind: "Service",
    metadata: {
      name: service,
      namespace,
      labels: { [annotation("enabled")]: "true" },
      annotations: {
        ...customAnnotations(a.text("sidecar-svc-annotations")),
        [annotation("app-id")]: a.text("app-id") as string,
        ...(metrics
          ? {
              "prometheus.io/probe": "true",
              "prometheus.io/scrape": "true",
              "prometheus.io/port": String(ports.metrics),
              "prometheus.io/path": "/",
            }
          : {}),
      },
      ownerReferences: [
        {
          apiVersion: "apps/v1",
          kind,
          name,
          uid,
          controller: true,
          blockOwnerDeletion: true,
        },
      ],
    },
    spec: {
      clusterIP: "None",
      selector: selector?.matchLabels ?? {},
      ports: [
        port("dapr-http", 80, ports.http),
        port("dapr-grpc", ports.grpc, ports.grpc),
        {
          ...port("dapr-internal", ports.internalGrpc, ports.internalGrpc),
          appProtocol: mtls ? "tls" : "grpc",
        },
        port("dapr-metrics", ports.metrics, ports.metrics),
      ],
    },
  };
}

const port = (name: string, number: number, targetPort: number) => ({
  name,
  port: number,
  targetPort,
  protocol: "TCP" as const,
});

/** `key=value,key=value` */
function customAnnotations(text = ""): Record<string, string> {
  return Object.fromEntries(
    text
      .split(",")
      .map((pair) => pair.split("=").map((part) => part.trim()))
      .filter(([key, value]) => key && value !== undefined)
      .map(([key, ...value]) => [key as string, value.join("=")]),
  );
}

/** Whether the Service in the cluster differs in what we set; the API server adds fields of its own. */
export function differs(have: Service, want: Service): boolean {
  return (
    !contains(have.metadata.labels, want.metadata.labels) ||
    !contains(have.metadata.annotations, want.metadata.annotations) ||
    have.metadata.ownerReferences?.[0]?.uid !==
      want.metadata.ownerReferences?.[0]?.uid ||
    !sameEntries(have.spec.selector, want.spec.selector) ||
    have.spec.ports.length !== want.spec.ports.length ||
    want.spec.ports.some(
      (port, index) => !contains(have.spec.ports[index], port),
    )
  );
}

const contains = (have: object | undefined, want: object = {}): boolean =>
  Object.entries(want).every(
    ([key, value]) => (have as Record<string, unknown>)?.[key] === value,
  );
const sameEntries = (a: object = {}, b: object = {}): boolean =>
  contains(a, b) && contains(b, a);
