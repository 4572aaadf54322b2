/**
 * Keeps the objects of one kind up to date as long as the sidecar runs. It opens
 * the stream first and then lists, so that nothing is missed in between; after
 * each break it does both again. What is known stays while the operator is away.
 */
import { messageOf } from "../../shared/message-of.ts";
import { eventType, type UpdateEvent } from "../../proto/operator-methods.ts";
import { doublingBackoff } from "../../shared/backoff.ts";
import type { OperatorClient, UpdateName } from "./client.ts";

/** An object of Kubernetes, as far as it is read here. */
export interface ClusterObject {
  metadata?: { name?: string; resourceVersion?: string };
  spec?: unknown;
}

/** One kind of objects, and who is told about them. */
export interface WatchedKind {
  updates: UpdateName;
  /** JSON of all objects of the kind. */
  list: () => Promise<Uint8Array[]>;
  /** Called with all of them, first and after each change. */
  onObjects: (objects: ClusterObject[]) => void;
}

export interface WatchOptions {
  client: OperatorClient;
  kinds: WatchedKind[];
  onFailure: (reason: string) => void;
  /** Called when all kinds are listed. */
  onListed: () => void;
  signal: AbortSignal;
}

const firstPauseMs = 500;
const mostPauseMs = 5000;

/** Resolves once `signal` aborts. */
export async function watchObjects(options: WatchOptions): Promise<void> {
  const { client, kinds, signal } = options;
  const backoff = doublingBackoff(firstPauseMs, mostPauseMs, 0.25);
  while (!signal.aborted) {
    const session = new AbortController();
    const over = AbortSignal.any([signal, session.signal]);
    let missing = kinds.length;
    const onListed = () => {
      if (--missing > 0) return;
      backoff.reset();
      options.onListed();
    };
    try {
      // When one of them ends, all end: they share a connection.
      await Promise.all(
        kinds.map((kind) => watchKind(client, kind, onListed, over)),
      );
    } catch (error) {
      if (!signal.aborted) options.onFailure(messageOf(error));
    }
    session.abort();
    if (signal.aborted) return;
    client.reconnect();
    await backoff.wait(signal);
  }
}

/** Rejects when the stream ends. */
async function watchKind(
  client: OperatorClient,
  { updates, list, onObjects }: WatchedKind,
  onListed: () => void,
  signal: AbortSignal,
): Promise<void> {
  const objects = new Map<string, ClusterObject>();
  const early: UpdateEvent[] = [];
  let isListed = false;
  let isTelling = false;
  // Changes that come together are reported together.
  const tell = () => {
    if (isTelling) return;
    isTelling = true;
    setImmediate(() => {
      isTelling = false;
      if (!signal.aborted) onObjects([...objects.values()]);
    });
  };
  const apply = ({ item, type }: UpdateEvent) => {
    const object = parse(item);
    const name = nameOf(object);
    const known = objects.get(name);
    if (known && isOlder(object, known)) return;
    if (type === eventType.deleted) objects.delete(name);
    else objects.set(name, object);
    tell();
  };
  const stream = client.updates(updates, (event) => {
    if (isListed) apply(event);
    else early.push(event);
  });
  const cancel = () => stream.cancel();
  signal.addEventListener("abort", cancel);
  try {
    await stream.registered;
    for (const item of await list()) {
      const object = parse(item);
      objects.set(nameOf(object), object);
    }
    isListed = true;
    tell();
    for (const event of early.splice(0)) apply(event);
    onListed();
    await stream.ended;
    throw new Error("the operator ended the stream");
  } finally {
    signal.removeEventListener("abort", cancel);
    cancel();
  }
}

const parse = (item: Uint8Array) =>
  JSON.parse(Buffer.from(item).toString("utf8")) as ClusterObject;

const nameOf = ({ metadata }: ClusterObject) => metadata?.name ?? "";

/** Whether `a` is an older state than `b`: a change may be older than the list that came after it. */
function isOlder(a: ClusterObject, b: ClusterObject): boolean {
  const [one, other] = [a, b].map(({ metadata }) => metadata?.resourceVersion);
  const isNumber = /^\d+$/;
  return (
    one !== undefined &&
    other !== undefined &&
    isNumber.test(one) &&
    isNumber.test(other) &&
    BigInt(one) < BigInt(other)
  );
}
