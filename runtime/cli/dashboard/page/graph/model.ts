/** What the graph shows: which apps, sidecars, components and topics there are, and what leads where. */
import type { App, AppComponent } from "../../messages.ts";
import { componentOf, type Seen } from "../store.ts";

export interface ComponentNode {
  id: string;
  name: string;
  type: string;
  /** Only of pub/sub. */
  topics: string[];
}

/** `from` and `to` are IDs of nodes. `topic`: the row of the component where it ends. */
export interface Edge {
  id: string;
  from: string;
  to: string;
  topic?: string;
  kind: "app" | "component" | "subscription" | "peer";
}

export interface Model {
  apps: readonly App[];
  components: ComponentNode[];
  edges: Edge[];
}

/** What was seen to lead somewhere, besides what the metadata tells: topics that were published to, apps that were called. */
export interface Used {
  /** As `[sidecar, component, topic]`. */
  topics: Map<string, [string, string, string]>;
  /** As `[sidecar, app ID]`. */
  peers: Map<string, [string, string]>;
}

const maxUsed = 200;

export const nothingUsed = (): Used => ({
  topics: new Map(),
  peers: new Map(),
});

/** True if this is news. */
export function noteUse(used: Used, { sidecar, event }: Seen): boolean {
  const component = componentOf(event);
  if (component && event.topic)
    return addNew(used.topics, [sidecar, component, event.topic]);
  if (event.type === "call" && event.block === "invoke" && event.target)
    return addNew(used.peers, [sidecar, event.target]);
  return false;
}

function addNew<T extends unknown[]>(map: Map<string, T>, entry: T): boolean {
  const key = JSON.stringify(entry);
  if (map.has(key) || map.size >= maxUsed) return false;
  map.set(key, entry);
  return true;
}

export const appNode = (sidecar: string): string => `app ${sidecar}`;
export const sidecarNode = (sidecar: string): string => `sidecar ${sidecar}`;

/** Apps of one run, or of one namespace, share their components; those of another one have others of the same name. */
export const componentNode = (
  { runTemplateName = "", pod }: App,
  name: string,
): string =>
  `component ${JSON.stringify([pod?.namespace ?? runTemplateName, name])}`;

const isPubSub = ({ type }: AppComponent) => type.startsWith("pubsub.");

export function modelOf(apps: readonly App[], used: Used): Model {
  const nodes = new Map<string, ComponentNode>();
  const edges: Edge[] = [];
  for (const app of apps) {
    const { sidecar } = app;
    const node = sidecarNode(sidecar);
    edges.push({
      id: `${sidecar} app`,
      from: appNode(sidecar),
      to: node,
      kind: "app",
    });
    for (const component of app.components) {
      const { name, type } = component;
      const id = componentNode(app, name);
      if (!nodes.has(id)) nodes.set(id, { id, name, type, topics: [] });
      const { topics: rows } = nodes.get(id)!;
      const topics = isPubSub(component) ? topicsOf(app, name, used) : [];
      for (const { topic } of topics)
        if (!rows.includes(topic)) rows.push(topic);
      if (topics.length === 0)
        edges.push({
          id: edgeId(sidecar, name),
          from: node,
          to: id,
          kind: "component",
        });
      for (const { topic, isSubscribed } of topics)
        edges.push({
          id: edgeId(sidecar, name, topic),
          from: node,
          to: id,
          topic,
          kind: isSubscribed ? "subscription" : "component",
        });
    }
    for (const peer of peersOf(app, apps, used))
      edges.push({
        id: peerEdgeId(sidecar, peer),
        from: node,
        to: sidecarNode(peer),
        kind: "peer",
      });
  }
  for (const { topics } of nodes.values()) topics.sort();
  return { apps, components: [...nodes.values()], edges };
}

export const edgeId = (
  sidecar: string,
  component: string,
  topic = "",
): string => JSON.stringify([sidecar, component, topic]);

export const peerEdgeId = (sidecar: string, peer: string): string =>
  `${sidecar} peer ${peer}`;

function topicsOf(app: App, component: string, used: Used) {
  const subscribed = app.subscriptions
    .filter(({ pubsubname }) => pubsubname === component)
    .map(({ topic }) => topic);
  const seen = [...used.topics.values()]
    .filter(([sidecar, name]) => sidecar === app.sidecar && name === component)
    .map(([, , topic]) => topic);
  return [...new Set([...subscribed, ...seen])].map((topic) => ({
    topic,
    isSubscribed: subscribed.includes(topic),
  }));
}

function peersOf(app: App, apps: readonly App[], used: Used): string[] {
  return [...used.peers.values()]
    .filter(([sidecar]) => sidecar === app.sidecar)
    .flatMap(([, target]) => sidecarOf(target, app.sidecar, apps) ?? [])
    .filter((sidecar) => sidecar !== app.sidecar);
}

/**
 * Whom a sidecar called. Of several sidecars of an app the newest: which one was called is not told. In a cluster an
 * app ID is one of the caller's namespace, unless another follows it behind a dot.
 */
export function sidecarOf(
  target: string,
  caller: string,
  apps: readonly App[],
): string | undefined {
  const home = apps.find(({ sidecar }) => sidecar === caller)?.pod?.namespace;
  return apps.findLast(
    ({ appId, pod }) =>
      (appId === target && pod?.namespace === home) ||
      (pod && `${appId}.${pod.namespace}` === target),
  )?.sidecar;
}
