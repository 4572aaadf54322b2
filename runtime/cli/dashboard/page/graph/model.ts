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
  /** As `[process, component, topic]`. */
  topics: Map<string, [number, string, string]>;
  /** As `[process, app ID]`. */
  peers: Map<string, [number, string]>;
}

const maxUsed = 200;

export const nothingUsed = (): Used => ({
  topics: new Map(),
  peers: new Map(),
});

/** True if this is news. */
export function noteUse(used: Used, { daprdPid, event }: Seen): boolean {
  const component = componentOf(event);
  if (component && event.topic)
    return addNew(used.topics, [daprdPid, component, event.topic]);
  if (event.type === "call" && event.block === "invoke" && event.target)
    return addNew(used.peers, [daprdPid, event.target]);
  return false;
}

function addNew<T extends unknown[]>(map: Map<string, T>, entry: T): boolean {
  const key = JSON.stringify(entry);
  if (map.has(key) || map.size >= maxUsed) return false;
  map.set(key, entry);
  return true;
}

export const appNode = (pid: number): string => `app ${pid}`;
export const sidecarNode = (pid: number): string => `sidecar ${pid}`;

/** Apps of one run share their components; those of another run have others of the same name. */
export const componentNode = (
  { runTemplateName = "" }: App,
  name: string,
): string => `component ${JSON.stringify([runTemplateName, name])}`;

const isPubSub = ({ type }: AppComponent) => type.startsWith("pubsub.");

export function modelOf(apps: readonly App[], used: Used): Model {
  const nodes = new Map<string, ComponentNode>();
  const edges: Edge[] = [];
  for (const app of apps) {
    const pid = app.daprdPid;
    const sidecar = sidecarNode(pid);
    edges.push({
      id: `${pid} app`,
      from: appNode(pid),
      to: sidecar,
      kind: "app",
    });
    for (const component of app.components) {
      const { name, type } = component;
      const id = componentNode(app, name);
      if (!nodes.has(id)) nodes.set(id, { id, name, type, topics: [] });
      const node = nodes.get(id)!;
      const topics = isPubSub(component) ? topicsOf(app, name, used) : [];
      for (const { topic } of topics)
        if (!node.topics.includes(topic)) node.topics.push(topic);
      if (topics.length === 0)
        edges.push({
          id: edgeId(pid, name),
          from: sidecar,
          to: id,
          kind: "component",
        });
      for (const { topic, isSubscribed } of topics)
        edges.push({
          id: edgeId(pid, name, topic),
          from: sidecar,
          to: id,
          topic,
          kind: isSubscribed ? "subscription" : "component",
        });
    }
    for (const peer of peersOf(app, apps, used))
      edges.push({
        id: peerEdgeId(pid, peer),
        from: sidecar,
        to: sidecarNode(peer),
        kind: "peer",
      });
  }
  for (const { topics } of nodes.values()) topics.sort();
  return { apps, components: [...nodes.values()], edges };
}

export const edgeId = (pid: number, component: string, topic = ""): string =>
  JSON.stringify([pid, component, topic]);

export const peerEdgeId = (pid: number, peer: number): string =>
  `${pid} peer ${peer}`;

function topicsOf(app: App, component: string, used: Used) {
  const subscribed = app.subscriptions
    .filter(({ pubsubname }) => pubsubname === component)
    .map(({ topic }) => topic);
  const seen = [...used.topics.values()]
    .filter(([pid, name]) => pid === app.daprdPid && name === component)
    .map(([, , topic]) => topic);
  return [...new Set([...subscribed, ...seen])].map((topic) => ({
    topic,
    isSubscribed: subscribed.includes(topic),
  }));
}

function peersOf(app: App, apps: readonly App[], used: Used): number[] {
  return [...used.peers.values()]
    .filter(([pid]) => pid === app.daprdPid)
    .flatMap(([, appId]) => sidecarOf(appId, apps) ?? [])
    .filter((pid) => pid !== app.daprdPid);
}

/** Of several sidecars of an app the newest: which one was called is not told. */
export const sidecarOf = (
  appId: string,
  apps: readonly App[],
): number | undefined => apps.findLast((one) => one.appId === appId)?.daprdPid;
