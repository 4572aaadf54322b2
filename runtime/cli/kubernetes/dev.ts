/**
 * What `dapr init -k --dev` adds to the namespace default: Redis and Zipkin
 * under the names the original gives them, and resources that use them.
 */
import { randomBytes } from "node:crypto";
import type { KubernetesObject } from "../../kubernetes/api/objects.ts";
import { marked } from "./ownership.ts";

const namespace = "default";
const redis = "dapr-dev-redis-master";
/** Holds `redis-password`. */
export const devSecret = "dapr-dev-redis";
const zipkin = "dapr-dev-zipkin";
/** What has to run before the components can be used. */
export const devWorkloads = [
  { name: redis, image: "redis:7" },
  { name: zipkin, image: "openzipkin/zipkin:3.5" },
] as const;

/** Makes a new password unless the cluster `hasSecret` already: a running Redis knows only the old one. */
export function devObjects(hasSecret: boolean): KubernetesObject[] {
  const redisPassword = {
    secretKeyRef: { name: devSecret, key: "redis-password" },
  };
  const objects = [
    ...(hasSecret ? [] : [newSecret()]),
    service(redis, 6379),
    deployment(redis, {
      name: "redis",
      image: devWorkloads[0].image,
      args: ["--requirepass", "$(REDIS_PASSWORD)", "--save", ""],
      env: [{ name: "REDIS_PASSWORD", valueFrom: redisPassword }],
      ports: [{ containerPort: 6379 }],
      readinessProbe: { tcpSocket: { port: 6379 }, periodSeconds: 1 },
    }),
    service(zipkin, 9411),
    deployment(zipkin, {
      name: "zipkin",
      image: devWorkloads[1].image,
      ports: [{ containerPort: 9411 }],
      readinessProbe: { tcpSocket: { port: 9411 }, periodSeconds: 1 },
    }),
    component("statestore", "state.redis", [
      { name: "actorStateStore", value: "true" },
    ]),
    component("pubsub", "pubsub.redis", []),
    {
      apiVersion: "dapr.io/v1alpha1",
      kind: "Configuration",
      metadata: { name: "appconfig", namespace },
      spec: {
        tracing: {
          samplingRate: "1",
          zipkin: {
            endpointAddress: `http://${zipkin}.${namespace}.svc.cluster.local:9411/api/v2/spans`,
          },
        },
      },
    } as KubernetesObject,
  ];
  return objects.map(marked);
}

const newSecret = () =>
  ({
    apiVersion: "v1",
    kind: "Secret",
    metadata: { name: devSecret, namespace },
    stringData: { "redis-password": randomBytes(12).toString("hex") },
  }) as KubernetesObject;

const component = (
  name: string,
  type: string,
  more: { name: string; value: string }[],
) =>
  ({
    apiVersion: "dapr.io/v1alpha1",
    kind: "Component",
    metadata: { name, namespace },
    spec: {
      type,
      version: "v1",
      metadata: [
        { name: "redisHost", value: `${redis}:6379` },
        {
          name: "redisPassword",
          secretKeyRef: { name: devSecret, key: "redis-password" },
        },
        ...more,
      ],
    },
    auth: { secretStore: "kubernetes" },
  }) as KubernetesObject;

const service = (name: string, port: number) =>
  ({
    apiVersion: "v1",
    kind: "Service",
    metadata: { name, namespace, labels: { app: name } },
    spec: { selector: { app: name }, ports: [{ port }] },
  }) as KubernetesObject;

const deployment = (name: string, container: Record<string, unknown>) =>
  ({
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name, namespace, labels: { app: name } },
    spec: {
      replicas: 1,
      selector: { matchLabels: { app: name } },
      template: {
        metadata: { labels: { app: name } },
        spec: { containers: [container] },
      },
    },
  }) as KubernetesObject;
