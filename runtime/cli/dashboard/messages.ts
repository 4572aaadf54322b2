/** What the dashboard's server and its page say to each other; types only. */
import type { MissedEvent, WatchEvent } from "../../shared/watch-event.ts";

export interface AppComponent {
  name: string;
  type: string;
  version: string;
  capabilities: string[];
}

export interface AppSubscription {
  pubsubname: string;
  topic: string;
  rules: { match?: string; path?: string }[];
}

export interface AppPod {
  name: string;
  namespace: string;
  /** Without the sidecar, each as `NAME: IMAGE`. */
  containers: string[];
}

/** A sidecar, and the app behind it. */
export interface App {
  appId: string;
  /** 0 without an app. */
  appPort: number;
  httpPort: number;
  grpcPort: number;
  command: string;
  /** When the sidecar was started, in ms since the epoch. */
  created: number;
  /** 0 if it is not known. */
  appPid: number;
  /** Its process has ended, and the sidecar runs on. */
  hasEnded?: boolean;
  /** Which sidecar it is, as one app may have several: its process ID; in a cluster `NAMESPACE/POD`. */
  sidecar: string;
  /** Only in a cluster. */
  pod?: AppPod;
  /** Its calls are seen. */
  isWatched: boolean;
  /** What of it is not shown, and why. */
  note?: string;
  runTemplateName?: string;
  components: AppComponent[];
  subscriptions: AppSubscription[];
}

/** An event of `/api/events`. */
export type PageEvent =
  /** `cluster`: kubectl's name of it; absent: this machine. */
  | { type: "apps"; apps: App[]; cluster?: string }
  | { type: "event"; appId: string; sidecar: string; event: WatchEvent }
  /** The page was too slow for so many events. */
  | MissedEvent;

/** An event of `/api/logs`. */
export type LogEvent =
  | { stream: "app" | "daprd"; line: string }
  /** Why a stream has no lines. */
  | { stream: "app" | "daprd"; note: string }
  | MissedEvent;

/** The body of `POST /api/call`. */
export interface CallRequest {
  appId: string;
  /** Which sidecar of the app; absent: the newest. */
  sidecar?: string;
  method: string;
  /** Of publish, invoke, state or bindings of `/v1.0`, with its query. */
  path: string;
  contentType?: string;
  body?: string;
}

/** What the sidecar answered. */
export interface CallAnswer {
  status: number;
  contentType: string;
  text?: string;
  base64?: string;
  /** There was more than a megabyte. */
  isCut: boolean;
  ms: number;
}

/** The answer of `/api/keys`. */
export interface KeysAnswer {
  keys: string[];
  /** What to ask for `after` this; null at the end. */
  next: string | null;
}

/** The answer of any path that refuses. */
export interface Refused {
  error: string;
}
