/** What the scenarios ask of what is behind the sidecar. */
import type { BackendName } from "../options.ts";

export interface Backend {
  name: BackendName;
  /** CPU of these processes belongs to the run. */
  pids: number[];
  close(): Promise<void>;
}

export interface Broker extends Backend {
  /** A new empty topic of one partition. */
  createTopic(): Promise<string>;
  /** Takes it away: a few windows at full rate are gigabytes. */
  removeTopic(topic: string): Promise<void>;
  /** Puts orders 0 … count-1 into it, in order, stored when this resolves. */
  fill(topic: string, count: number): Promise<void>;
  /** How many records it holds: every acknowledged order must be among them. */
  stored(topic: string): Promise<number>;
  /** Component YAML of the binding `bench`. */
  component(topic: string, use: { direction: string; group: string }): string;
}

export interface Store extends Backend {
  /** Component YAML of the state store `bench`. */
  component(): string;
  /** How many keys it holds: every acknowledged save must be among them. */
  stored(): Promise<number>;
  /** Takes them all away. */
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
