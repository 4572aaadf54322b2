/** Opens a component as the sidecar does: finds its type in the list, and reads its metadata by the type's table. */
import {
  bindings,
  pubsubs,
  type BuiltIn,
} from "../../runtime/components/index.ts";
import type { Binding } from "../../runtime/contracts/binding.ts";
import type { Closable } from "../../runtime/contracts/component.ts";
import type { PubSub } from "../../runtime/contracts/pubsub.ts";
import { parseMetadata } from "../../runtime/contracts/metadata.ts";
import { recordingLog } from "../support/recording-log.ts";

export interface OpenOptions {
  metadata: Record<string, string>;
  /** Collects log lines as `level message`. */
  log?: string[];
  directions?: { input: boolean; output: boolean };
  env?: Record<string, string>;
  /** The type's default version unless given. */
  version?: string;
}

/** Components that a failed test left open. They are closed at the end, since otherwise the run would not end. */
const opened: Closable[] = [];
globalThis.afterAll?.(() =>
  Promise.all(opened.splice(0).map((one) => one.close())),
);

export const openBinding = (
  type: string,
  options: OpenOptions,
): Promise<Binding> => openBuiltIn(bindings, type, options);

export const openPubSub = (
  type: string,
  options: OpenOptions,
): Promise<PubSub> => openBuiltIn(pubsubs, type, options);

export async function openBuiltIn<C extends Closable>(
  known: BuiltIn<C>[],
  type: string,
  options: OpenOptions,
): Promise<C> {
  const found = known.find(
    (entry) =>
      entry.type === type &&
      entry.versions.includes(options.version ?? entry.versions[0]!),
  );
  if (!found)
    throw new Error(
      `no component of type ${type} in runtime/components/index.ts`,
    );
  const definition = await found.load(options.version ?? found.versions[0]!);
  const items = Object.entries(options.metadata).map(([name, value]) => ({
    name,
    value,
  }));
  const component = await definition.open({
    name: "sample",
    appId: "contract",
    meta: parseMetadata(definition.metadata, items),
    items,
    env: options.env ?? {},
    log: recordingLog(options.log),
    directions: options.directions ?? { input: true, output: true },
  });
  opened.push(component);
  return component;
}
