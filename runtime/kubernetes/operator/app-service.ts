/** The Service `APP-ID-dapr`, by which sidecars find each other (docs/protocol/kubernetes.md). */
import { isTruthy } from "../../shared/units.ts";
import { readAnnotations } from "../annotations.ts";
import { sidecarPorts } from "../injector/sidecar-args.ts";
import { annotation, appService } from "../names.ts";
import type { KubernetesObject, Workload } from "../api/objects.ts";

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
  // Here more words count as true than for the webhook.
  return isTruthy(a.text("enabled")) && appId ? appService(appId) : undefined;
}

/** What a Deployment's or StatefulSet's Service should be; undefined for one without a sidecar. */
export function appServiceOf(
  workload: Workload,
  kind: "Deployment" | "StatefulSet",
  mtls: boolean,
  warn: (message: string) => void = () => {},
): Service | undefined {
  const { template, selector } = workload.spec;
  const service = serviceOf(workload);
  if (!service) return undefined;
  const a = readAnnotations(template.metadata);
  const { name = "", namespace = "", uid = "" } = workload.metadata;
  const ports = sidecarPorts(a);
  return {
    apiVersion: "v1",
    kind: "Service",
    metadata: {
      name: service,
      namespace,
      labels: { [annotation("enabled")]: "true" },
      annotations: {
        ...customAnnotations(a.text("sidecar-svc-annotations"), warn),
        ...(a.truthy("enable-metrics", true) ? scraped(ports.metrics) : {}),
        [annotation("app-id")]: a.text("app-id") as string,
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

/** By these Prometheus finds the sidecar's metrics. */
const scraped = (metricsPort: number) => ({
  "prometheus.io/probe": "true",
  "prometheus.io/scrape": "true",
  "prometheus.io/port": `${metricsPort}`,
  "prometheus.io/path": "/",
});

const port = (name: string, number: number, targetPort: number) => ({
  name,
  port: number,
  targetPort,
  protocol: "TCP" as const,
});

/** An annotation's key as Kubernetes accepts it: `PREFIX/NAME`, where the prefix is optional and a DNS name. */
const annotationKey =
  /^(?=[^/]{1,253}\/|[^/]+$)([a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*\/)?(?=[^/]{1,63}$)[A-Za-z0-9]([-\w.]*[A-Za-z0-9])?$/;

/** `key=value,key=value`. An invalid pair is left out, as Kubernetes would refuse the whole Service. */
function customAnnotations(
  text = "",
  warn: (message: string) => void,
): Record<string, string> {
  const pairs = text
    .split(",")
    .map((pair) => pair.trim())
    .filter(Boolean);
  return Object.fromEntries(
    pairs.flatMap((pair) => {
      const equals = pair.indexOf("=");
      const key = pair.slice(0, equals).trim();
      if (equals > 0 && annotationKey.test(key))
        return [[key, pair.slice(equals + 1).trim()]];
      warn(
        `annotation dapr.io/sidecar-svc-annotations: "${pair}" is not KEY=VALUE with a key that an annotation can have; left out`,
      );
      return [];
    }),
  );
}

/** Whether the Service in the cluster differs in a field that we set; the API server adds others. */
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
