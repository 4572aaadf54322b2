/** The sidecars in a cluster's pods, and what leads to them. */
import { injectedLabel } from "../../../kubernetes/names.ts";
import { messageOf } from "../../../shared/message-of.ts";
import { delay } from "../../../shared/timers.ts";
import {
  getMetadata,
  type SidecarAddress,
} from "../../instances/sidecar-http.ts";
import { listObjects, type Where } from "../../kubernetes/kubectl.ts";
import { sidecarOf, type Pod } from "../../kubernetes/pods.ts";
import type { Metadata, Sidecar, SidecarSource } from "../sidecar.ts";
import {
  describePod,
  httpPortOf,
  isOver,
  keyOf,
  whyUnreachable,
} from "./describe-pod.ts";
import { Forward } from "./forward.ts";
import { sendPodLogs } from "./pod-logs.ts";
import { readTokens, type PodTokens } from "./pod-tokens.ts";

/** A page that is loaded again finds the ways still open. */
const idleMs = 20_000;
/** The user may have been given the rights since. */
const tokensAgainMs = 30_000;
/** The list of pods does not wait longer for what they tell. */
const firstAnswerMs = 2000;

interface KnownTokens {
  tokens: Promise<PodTokens>;
  atMs: number;
}

export class PodSidecars implements SidecarSource {
  /** Each look is a process, and may ask a cloud for credentials. */
  readonly pollMs = 3000;
  readonly cluster: string;
  readonly #where: Where;
  /** By the pod's UID. */
  readonly #forwards = new Map<string, Forward>();
  readonly #tokens = new Map<string, KnownTokens>();
  #looks = 0;
  #idle: NodeJS.Timeout | undefined;
  #isClosed = false;

  constructor(cluster: string, where: Where) {
    this.cluster = cluster;
    this.#where = where;
  }

  async find(
    known: (key: string) => Metadata | undefined,
  ): Promise<readonly Sidecar[]> {
    this.#looks++;
    clearTimeout(this.#idle);
    try {
      const pods = (
        await listObjects<Pod>("pods", this.#where, `${injectedLabel}=true`)
      )
        .filter((pod) => sidecarOf(pod) && !isOver(pod))
        .sort(byAge);
      this.#forget(pods);
      return await Promise.all(
        pods.map((pod) => this.#sidecarOf(pod, known(keyOf(pod)))),
      );
    } finally {
      this.#looks--;
      if (this.#looks === 0 && !this.#isClosed)
        this.#idle = setTimeout(() => void this.#closeForwards(), idleMs);
    }
  }

  close(): Promise<void> {
    this.#isClosed = true;
    clearTimeout(this.#idle);
    return this.#closeForwards();
  }

  async #closeForwards(): Promise<void> {
    const all = [...this.#forwards.values()];
    this.#forwards.clear();
    this.#tokens.clear();
    await Promise.all(all.map((forward) => forward.close()));
  }

  /** Lets go what belongs to pods that are gone, or whose sidecar does not run. */
  #forget(pods: readonly Pod[]): void {
    const reachable = pods.filter((pod) => whyUnreachable(pod) === undefined);
    const uids = new Set(reachable.map(({ metadata }) => metadata.uid!));
    const keys = new Set(reachable.map(keyOf));
    for (const [uid, forward] of this.#forwards)
      if (!uids.has(uid)) {
        this.#forwards.delete(uid);
        void forward.close();
      }
    for (const key of this.#tokens.keys())
      if (!keys.has(key)) this.#tokens.delete(key);
  }

  async #sidecarOf(pod: Pod, before: Metadata | undefined): Promise<Sidecar> {
    const why = whyUnreachable(pod);
    const { watchToken, apiToken, notes } = why
      ? { watchToken: undefined, apiToken: "", notes: [why] }
      : await this.#tokensOf(pod);
    const reach = async (): Promise<SidecarAddress> => {
      if (why) throw new Error(why);
      return { httpPort: await this.#forwardTo(pod).port(), apiToken };
    };
    const { appId } = describePod(pod, undefined);
    const told = why ? {} : await withinTime(ask(reach, appId));
    const metadata = told.metadata ?? before;
    const note = [...(told.why ? [told.why] : []), ...notes].join(" ");
    return {
      key: keyOf(pod),
      app: { ...describePod(pod, metadata), ...(note ? { note } : {}) },
      metadata,
      watchToken,
      reach,
      sendLogs: (page) => sendPodLogs(pod, page),
    };
  }

  #forwardTo(pod: Pod): Forward {
    const { uid, name, namespace = "" } = pod.metadata;
    const known = this.#forwards.get(uid!);
    if (known) return known;
    if (this.#isClosed) throw new Error("the dashboard ends");
    const forward = new Forward({ name, namespace }, httpPortOf(pod));
    this.#forwards.set(uid!, forward);
    return forward;
  }

  async #tokensOf(pod: Pod): Promise<PodTokens> {
    const key = keyOf(pod);
    const known = this.#tokens.get(key);
    if (known) {
      const tokens = await known.tokens;
      const isOld = performance.now() - known.atMs > tokensAgainMs;
      if (tokens.isWhole || !isOld) return tokens;
    }
    const tokens = readTokens(pod);
    this.#tokens.set(key, { tokens, atMs: performance.now() });
    return tokens;
  }
}

const byAge = (a: Pod, b: Pod): number =>
  a.metadata.creationTimestamp.localeCompare(b.metadata.creationTimestamp) ||
  a.metadata.name.localeCompare(b.metadata.name);

interface Told {
  metadata?: Metadata;
  /** Why there is none. */
  why?: string;
}

async function ask(
  reach: () => Promise<SidecarAddress>,
  appId: string,
): Promise<Told> {
  let address;
  try {
    address = await reach();
  } catch (error) {
    return { why: `The sidecar can't be reached: ${messageOf(error)}.` };
  }
  try {
    const metadata = await getMetadata(address);
    return metadata["id"] === appId ? { metadata } : {};
  } catch (error) {
    return { why: `The sidecar does not answer: ${messageOf(error)}.` };
  }
}

const withinTime = (told: Promise<Told>): Promise<Told> =>
  Promise.race([told, delay<Told>(firstAnswerMs, {}, { ref: false })]);
