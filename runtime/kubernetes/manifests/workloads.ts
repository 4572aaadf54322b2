/** The two Deployments, and the Services by which the API server and the sidecars reach them. */
import { healthPort, injector, operator } from "../names.ts";
import type { KubernetesObject } from "../api/objects.ts";
import { labels, type InstallOptions } from "./options.ts";

interface Program {
  name: string;
  account: string;
  service: string;
  port: number;
  /** The argument that starts it. */
  command: string;
  /** Annotation `dapr.io/control-plane`. */
  part: string;
  env: Record<string, string>;
}

const programs = (options: InstallOptions): Program[] => [
  {
    name: operator.name,
    account: operator.name,
    service: operator.service,
    port: operator.port,
    command: "operator",
    part: "operator",
    env: { WATCH_INTERVAL: options.watchInterval },
  },
  {
    name: injector.name,
    account: injector.account,
    service: injector.service,
    port: injector.port,
    command: "injector",
    part: "injector",
    env: {
      SIDECAR_IMAGE: options.image,
      SIDECAR_IMAGE_PULL_POLICY: options.imagePullPolicy,
      ALLOWED_SERVICE_ACCOUNTS: options.allowedServiceAccounts.join(","),
    },
  },
];

export const services = (options: InstallOptions): KubernetesObject[] =>
  programs(options).map(
    ({ name, service, port }) =>
      ({
        apiVersion: "v1",
        kind: "Service",
        metadata: {
          name: service,
          namespace: options.namespace,
          labels: labels(name),
        },
        spec: {
          selector: { app: name },
          ports: [{ name: "https", port: 443, targetPort: port }],
        },
      }) as KubernetesObject,
  );

export const deployments = (options: InstallOptions): KubernetesObject[] =>
  programs(options).map(
    (program) =>
      ({
        apiVersion: "apps/v1",
        kind: "Deployment",
        metadata: {
          name: program.name,
          namespace: options.namespace,
          labels: labels(program.name),
        },
        spec: {
          // One replica of each is enough: all state is in Kubernetes, and a new pod is ready in seconds.
          replicas: 1,
          selector: { matchLabels: { app: program.name } },
          template: {
            metadata: {
              labels: labels(program.name),
              annotations: { "dapr.io/control-plane": program.part },
            },
            spec: podSpec(program, options),
          },
        },
      }) as KubernetesObject,
  );

function podSpec(program: Program, options: InstallOptions) {
  const environment = {
    NAMESPACE: options.namespace,
    KUBE_CLUSTER_DOMAIN: options.clusterDomain,
    LOG_LEVEL: options.logLevel,
    ...program.env,
  };
  const health = { path: "/healthz", port: healthPort };
  return {
    serviceAccountName: program.account,
    terminationGracePeriodSeconds: 15,
    securityContext: {
      runAsNonRoot: true,
      seccompProfile: { type: "RuntimeDefault" },
    },
    containers: [
      {
        name: program.name,
        image: options.image,
        imagePullPolicy: options.imagePullPolicy,
        args: [program.command],
        env: Object.entries(environment)
          // The API server drops an empty value, and the next apply would see that as a change.
          .filter(([, value]) => value !== "")
          .map(([name, value]) => ({ name, value })),
        ports: [
          { name: "https", containerPort: program.port },
          { name: "health", containerPort: healthPort },
        ],
        readinessProbe: { httpGet: health, periodSeconds: 1 },
        // Only a program that hangs; one that waits for Kubernetes must not be restarted for it.
        livenessProbe: {
          tcpSocket: { port: healthPort },
          periodSeconds: 10,
          failureThreshold: 5,
        },
        resources: {
          requests: { cpu: "20m", memory: "64Mi" },
          limits: { memory: "256Mi" },
        },
        securityContext: {
          allowPrivilegeEscalation: false,
          readOnlyRootFilesystem: true,
          capabilities: { drop: ["ALL"] },
        },
        volumeMounts: [
          {
            name: "kube-api-access",
            mountPath: "/var/run/secrets/kubernetes.io/serviceaccount",
            readOnly: true,
          },
        ],
      },
    ],
    volumes: [apiAccess()],
  };
}

/** What the kubelet would mount by itself, but with a token of ten minutes. */
function apiAccess() {
  const fieldRef = { apiVersion: "v1", fieldPath: "metadata.namespace" };
  return {
    name: "kube-api-access",
    projected: {
      sources: [
        { serviceAccountToken: { expirationSeconds: 600, path: "token" } },
        {
          configMap: {
            name: "kube-root-ca.crt",
            items: [{ key: "ca.crt", path: "ca.crt" }],
          },
        },
        { downwardAPI: { items: [{ path: "namespace", fieldRef }] } },
      ],
    },
  };
}
