/** Finds a sidecar of an app and calls it; where one refuses, the next is asked. */
import type { InvocationPolicies } from "../../contracts/invocation-policies.ts";
import { CallError } from "../../contracts/invocation.ts";
import type { NameResolver, Peer } from "../../contracts/name-resolver.ts";
import { withPort } from "../../shared/addresses.ts";
import type { Logger } from "../../shared/log.ts";
import { delay } from "../../shared/timers.ts";
import { goDuration } from "../../shared/units.ts";
import { isTransient, mayEndElsewhere } from "./failures.ts";

export interface ReachOptions {
  /** `NAMESPACE`, else `default`. */
  namespace: string;
  /** Asked in order. */
  resolvers: NameResolver[];
  policies: InvocationPolicies;
  log: Logger;
}

/** A call of an app through whichever of its sidecars. */
export interface Attempt<T> {
  appId: string;
  namespace: string;
  signal?: AbortSignal;
  call(peer: Peer): Promise<T>;
  /** Whether it may be made again after this error. */
  isRepeatable(error: CallError): boolean;
}

export type Reach = <T>(attempt: Attempt<T>) => Promise<T>;

export function createReach(options: ReachOptions): Reach {
  const { namespace, resolvers, log } = options;

  /** When one of the app's sidecars refuses, the next is asked at once. After the last one there is a pause and another round. */
  async function callAnew<T>(
    attempt: Attempt<T>,
    found: Found,
    error: unknown,
  ): Promise<T> {
    const { appId, signal } = attempt;
    const find = () => resolve(appId, attempt.namespace);
    const { maxRetries, pauseMs } = options.policies.serviceRetries(
      keysOf(appId, attempt.namespace),
    );
    const tried = new Set<string>();
    let round = 0;
    for (;;) {
      if (!mayEndElsewhere(error)) throw error;
      found.forget();
      if (!attempt.isRepeatable(error)) throw error;
      const { message } = error;
      tried.add(addressOf(found.peer));
      log.debug(
        `calling ${appId} at ${addressOf(found.peer)} failed: ${message}`,
      );
      const next = error.unsent ? await find().catch(() => undefined) : found;
      if (next && !tried.has(addressOf(next.peer))) found = next;
      else if (!isTransient(error)) throw error;
      else if (maxRetries === 0) throw error;
      else if (round++ >= maxRetries)
        throw new CallError(
          error.kind,
          `failed to invoke target ${appId} after ${maxRetries} retries. Error: ${message}`,
          { cause: error, answer: error.answer },
        );
      else {
        const waitMs = pauseMs(round);
        if (round === 1)
          log.warn(
            `Error processing operation ${operation}. Retrying in ${goDuration(waitMs)}…`,
          );
        await delay(waitMs, undefined, { signal });
        found = await find();
        tried.clear();
      }
      signal?.throwIfAborted();
      try {
        const answer = await attempt.call(found.peer);
        if (round > 0)
          log.info(
            `Recovered processing operation ${operation} after ${round + 1} attempts`,
          );
        return answer;
      } catch (again) {
        error = again;
      }
    }
  }

  /** What the first resolver that knows the app says. An error of a resolver counts only if no other knows the app. */
  async function resolve(id: string, space: string): Promise<Found> {
    if (resolvers.length === 0)
      throw new Error("name resolver not initialized");
    let problem: unknown;
    for (const resolver of resolvers) {
      try {
        const peer = await resolver.resolve(id, space);
        if (peer)
          return { peer, forget: () => resolver.forget?.(id, space, peer) };
      } catch (error) {
        problem ??= error;
      }
    }
    throw (
      problem ??
      new Error(
        space === namespace
          ? `couldn't find service: ${id}; is its sidecar running?`
          : `couldn't find service: ${id}.${space}; is its sidecar running, with NAMESPACE=${space}?`,
      )
    );
  }

  return async (attempt) => {
    const found = await resolve(attempt.appId, attempt.namespace);
    try {
      return await attempt.call(found.peer);
    } catch (error) {
      return callAnew(attempt, found, error);
    }
  };
}

/** As the original's log names it. */
const operation = "DaprBuiltInServiceRetries";

/** The names by which a Resiliency may know an app. */
export const keysOf = (appId: string, namespace: string): string[] => [
  `${appId}.${namespace}`,
  appId,
];

interface Found {
  peer: Peer;
  forget(): void;
}

const addressOf = ({ host, port }: Peer) => withPort(host, port);
