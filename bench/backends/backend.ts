/** The backends (what is behind the sidecar), as the scenarios use them. */
import type { BackendName } from "../options.ts";

export interface Backend {
  name: BackendName;
  /** The CPU time of these processes belongs to the run. */
  pids: number[];
  close(): Promise<void>;
}

export interface Broker extends Backend {
  /** Creates an empty topic with one partition. */
  createTopic(): Promise<string>;
  /** A few windows at full rate are gigabytes, so each topic is removed after its use. */
  removeTopic(topic: string): Promise<void>;
  /** Writes orders 0 … count-1 to the topic, in order. All are stored when this resolves. */
  fill(topic: string, count: number): Promise<void>;
  /** How many records the topic holds. Every acknowledged order must be among them. */
  stored(topic: string): Promise<number>;
  /** Component YAML of the binding `bench`. */
  component(topic: string, use: { direction: string; group: string }): string;
}

export interface Bus extends Backend {
  /** Creates an empty topic, on Kafka with one partition. */
  createTopic(): Promise<string>;
  removeTopic(topic: string): Promise<void>;
  /** How many messages the topic holds. Every acknowledged order must be among them. */
  stored(topic: string): Promise<number>;
  /** Component YAML of the message bus `bench`. Each app has a consumer group of its own. */
  component(): string;
  /** True if the orders of a topic reach the app in their order. */
  isOrdered: boolean;
}

export interface Store extends Backend {
  /** Component YAML of the state store `bench`. */
  component(): string;
  /** How many keys the store holds. Every acknowledged save must be among them. */
  stored(): Promise<number>;
  /** Removes all keys. */
  clear(): Promise<void>;
}

export function componentYaml(
  type: string,
  metadata: Record<string, string>,
): string {
  const items = Object.entries(metadata).map(
    ([name, value]) =>
      `    - name: ${name}\n      value: ${JSON.stringify(value)}\n`,
  );
  return `apiVersion: dapr.io/v1alpha1
kind: Component
metadata:
  name: bench
spec:
  type: ${type}
  version: v1
  metadata:
${items.join("")}`;
}
