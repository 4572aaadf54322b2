/**
 * nameresolution.mdns: finds the sidecars of the network, and the original's on
 * this machine, by multicast DNS. None of its code is loaded before the sidecar
 * is up or looks for another one.
 */
import { hostname } from "node:os";
import { messageOf } from "../../shared/message-of.ts";
import {
  defineNameResolver,
  type Peer,
  type Registration,
} from "../../contracts/name-resolver.ts";
import {
  announce,
  serviceOf,
  sightings,
  type Announcement,
  type Sighting,
} from "../clients/mdns/records.ts";
import type { Mdns } from "../clients/mdns/socket.ts";
import { startTimer } from "../../shared/timers.ts";
import { ownNamespace } from "../../shared/namespace.ts";

/** The original's times. */
const browseMs = 1000;
const refreshMs = 30_000;
const livesMs = 60_000;
/** The question is asked again after this time: it or its answer may get lost. */
const askAgainMs = 250;
/** Announced a little later, so that the start is not slowed down. */
const announceAfterMs = 100;
const announceAgainMs = 1000;
const goodbyeMs = 200;
/** If it did not work it is tried again after this time: a network may have come up. */
const brokenMs = 30_000;

const asksForIt: ReadonlySet<string> = new Set(["PTR", "ANY"]);

interface Known {
  peers: { peer: Peer; untilMs: number }[];
  next: number;
  askedMs: number;
  /** Resolves with the first answer; all who ask share it. */
  waiting: Promise<Peer | undefined> | undefined;
  onSeen: ((peer: Peer) => void) | undefined;
}

export const mdns = defineNameResolver(
  "nameresolution.mdns",
  {},
  async ({ env, log }) => {
    const apps = new Map<string, Known>();
    const own = ownNamespace(env);
    let self: Announcement | undefined;
    let opening: Promise<Mdns> | undefined;
    let brokenUntilMs = 0;
    let hasWarned = false;
    let isClosed = false;
    const timers = new Set<NodeJS.Timeout>();

    const later = (ms: number, step: () => void) => {
      const timer = startTimer(() => {
        timers.delete(timer);
        step();
      }, ms).unref();
      timers.add(timer);
      return timer;
    };

    const isLocal = () =>
      self !== undefined && /^(127\.|::1$|localhost$)/.test(self.host);

    const open = () =>
      (opening ??= import("../clients/mdns/socket.ts").then(({ openMdns }) =>
        openMdns({
          isLocal,
          onQuestion({ name, type }, reply) {
            if (!self || !asksForIt.has(type)) return;
            if (name.toLowerCase() === serviceOf(self.appId).toLowerCase())
              reply(announce(self));
          },
          onRecords: (records) => {
            for (const sighting of sightings(records)) see(sighting);
          },
          onFailed(error) {
            opening = undefined;
            brokenUntilMs = performance.now() + brokenMs;
            if (!hasWarned)
              log.warn(
                `multicast DNS is not available: ${messageOf(error)}; sidecars of other machines, and the original's, are not found`,
              );
            hasWarned = true;
          },
          onWarning: (error) => log.debug(`multicast DNS: ${messageOf(error)}`),
        }),
      ));

    /** A record without a namespace counts as ours. */
    function see({ appId, namespace = own, peer, isGone }: Sighting) {
      const app = apps.get(keyOf(appId, namespace));
      if (!app) return; // nobody here has asked for it
      app.peers = app.peers.filter((other) => !isSame(other.peer, peer));
      if (isGone) return;
      app.peers.push({ peer, untilMs: performance.now() + livesMs });
      app.onSeen?.(peer);
    }

    async function ask(appId: string, app: Known) {
      app.askedMs = performance.now();
      (await open()).ask(serviceOf(appId));
    }

    /** The first answer wins; all who ask meanwhile share it. */
    function browse(appId: string, app: Known): Promise<Peer | undefined> {
      return (app.waiting ??= new Promise<Peer | undefined>(
        (resolve, reject) => {
          const give = (peer: Peer | undefined) => {
            clearTimeout(timeout);
            clearTimeout(again);
            app.onSeen = app.waiting = undefined;
            resolve(peer);
          };
          app.onSeen = give;
          const timeout = setTimeout(() => give(undefined), browseMs);
          const again = setTimeout(
            () => void ask(appId, app).catch(reject),
            askAgainMs,
          );
          ask(appId, app).catch(reject);
        },
      ));
    }

    return {
      async register(registration: Registration) {
        const machine = hostname().split(".")[0] || "localhost";
        self = { ...registration, machine, pid: process.pid };
        const tell = async () => {
          if (!isClosed) (await open()).tell(announce(self!));
        };
        const quietly = () =>
          void tell().catch((error: unknown) =>
            log.warn(`multicast DNS: ${messageOf(error)}`),
          );
        later(announceAfterMs, quietly);
        later(announceAfterMs + announceAgainMs, quietly);
      },
      async resolve(appId, namespace) {
        const key = keyOf(appId, namespace);
        let app = apps.get(key);
        if (!app) {
          app = {
            peers: [],
            next: 0,
            askedMs: 0,
            waiting: undefined,
            onSeen: undefined,
          };
          apps.set(key, app);
        }
        const now = performance.now();
        if (app.peers.some(({ untilMs }) => untilMs <= now))
          app.peers = app.peers.filter(({ untilMs }) => untilMs > now);
        if (app.peers.length > 0) {
          if (now - app.askedMs > refreshMs) ask(appId, app).catch(() => {}); // what is known serves meanwhile
          return app.peers[app.next++ % app.peers.length]!.peer;
        }
        if (now < brokenUntilMs) return undefined;
        const peer = await browse(appId, app);
        // Nothing is kept for apps that do not exist: there may be any number of names.
        if (!peer && app.peers.length === 0) apps.delete(key);
        return peer;
      },
      forget(appId, namespace, peer) {
        const app = apps.get(keyOf(appId, namespace));
        if (app)
          app.peers = app.peers.filter((other) => !isSame(other.peer, peer));
      },
      async close() {
        isClosed = true;
        for (const timer of timers) clearTimeout(timer);
        const socket = await opening?.catch(() => undefined);
        if (!socket) return;
        if (self)
          await new Promise<void>((resolve) => {
            const timer = setTimeout(resolve, goodbyeMs);
            socket.tell(announce(self!, true), () => {
              clearTimeout(timer);
              resolve();
            });
          });
        socket.close();
      },
    };
  },
);

const keyOf = (appId: string, namespace: string) => `${namespace} ${appId}`;

const isSame = (a: Peer, b: Peer) => a.host === b.host && a.port === b.port;
