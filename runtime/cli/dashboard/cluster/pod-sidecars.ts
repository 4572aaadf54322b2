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
import { followedAmong, mostFollowed } from "./followed-pods.ts";
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
  readonly #home: string;
  /** By the pod's UID. */
  readonly #forwards = new Map<string, Forward>();
  readonly #tokens = new Map<string, KnownTokens>();
  #looks = 0;
  #idle: NodeJS.Timeout | undefined;
  #isClosed = false;

  /** `home`: the namespace of kubectl's context. Its pods come first where there are many. */
  constructor(cluster: string, where: Where, home: string) {
    this.cluster = cluster;
    this.#where = where;
    this.#home = home;
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
      const followed = followedAmong(pods, this.#home);
      return await Promise.all(
        pods.map((pod) =>
          followed.has(pod)
            ? this.#follow(pod, known(keyOf(pod)))
            : this.#sidecarOf(pod, known(keyOf(pod)), {
                notes: [notFollowed],
              }),
        ),
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

  /** Reads what the sidecar tells. */
  async #follow(pod: Pod, before: Metadata | undefined): Promise<Sidecar> {
    const { watchToken, notes } = await this.#tokensOf(pod);
    const { appId } = describePod(pod, undefined);
    const told = await withinTime(ask(() => this.#reach(pod), appId));
    return this.#sidecarOf(pod, told.metadata ?? before, {
      watchToken,
      notes: [...(told.why ? [told.why] : []), ...notes],
    });
  }

  #sidecarOf(
    pod: Pod,
    metadata: Metadata | undefined,
    { watchToken, notes }: { watchToken?: string | undefined; notes: string[] },
  ): Sidecar {
    const why = whyUnreachable(pod);
    const note = why ?? notes.join(" ");
    return {
      key: keyOf(pod),
      app: { ...describePod(pod, metadata), ...(note ? { note } : {}) },
      metadata,
      watchToken,
      reach: async () => {
        if (why) throw new Error(why);
        return this.#reach(pod);
      },
      sendLogs: (page) => sendPodLogs(pod, page),
    };
  }

  async #reach(pod: Pod): Promise<SidecarAddress> {
    const { apiToken } = await this.#tokensOf(pod);
    return { httpPort: await this.#forwardTo(pod).port(), apiToken };
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

const notFollowed = `More pods have a sidecar than the dashboard follows at a time (${mostFollowed}), so this one is asked only by the forms. Those of the context's namespace come first: kubectl config set-context --current --namespace=NAMESPACE, then start the dashboard again.`;

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
