/**
 * Input bindings: whether the app wants one, reading it, and handing over its
 * messages (spec api §1).
 */
import {
  DeliveryError,
  DeliveryInterrupted,
  type Binding,
  type Deliver,
  type StopReading,
} from "../../contracts/binding.ts";
import type { AppChannel } from "../../contracts/app-channel.ts";
import { messageOf } from "../../shared/message-of.ts";
import type { Explain } from "../../contracts/hide-secrets.ts";
import type { Logger } from "../../shared/log.ts";
import { deliveryHeaders } from "./delivery-headers.ts";
import { delay } from "../../shared/timers.ts";

export interface NamedBinding {
  name: string;
  binding: Binding;
  explain: Explain;
  /** Path the app takes messages at, without its leading slash: metadata `route`, else the name. */
  route: string;
  directions: { input: boolean; output: boolean; explicit: boolean };
}

export interface InputsOptions {
  log: Logger;
  app: AppChannel;
  /** How long the app may take to answer the OPTIONS probe. */
  probeTimeoutMs: number;
}

export interface Inputs {
  /** Reads it, if the app wants it, once the last reading of its name has stopped. */
  start(named: NamedBinding): void;
  /** Nothing new is taken; resolves once what is in flight is committed. */
  stop(named: NamedBinding): Promise<void>;
  stopAll(): Promise<void>;
  /** Resolves once what was to stop under this name has. */
  stopped(name: string): Promise<void>;
}

/** Ends probes first; messages held for a missing app only once their input knows that it stops. */
interface Reading {
  probes: AbortController;
  holds: AbortController;
  /** Undefined when the app does not want it. Never rejects. */
  started: Promise<StopReading | undefined>;
}

const probeRetryMs = [100, 500, 1000, 2000, 5000];

export function createInputs({
  log,
  app,
  probeTimeoutMs,
}: InputsOptions): Inputs {
  const readings = new Map<NamedBinding, Reading>();
  /** By name: the last reading's end. */
  const stopping = new Map<string, Promise<void>>();
  const warned = new Set<string>();

  function stop(named: NamedBinding): Promise<void> {
    const reading = readings.get(named);
    if (reading) {
      readings.delete(named);
      const ending = end(named, reading);
      stopping.set(named.name, ending);
      void ending.then(() => {
        if (stopping.get(named.name) === ending) stopping.delete(named.name);
      });
    }
    return stopped(named.name);
  }

  const stopped = (name: string) => stopping.get(name) ?? Promise.resolve();

  return {
    start(named) {
      if (readings.has(named)) return;
      const probes = new AbortController();
      const holds = new AbortController();
      const last = stopped(named.name);
      readings.set(named, {
        probes,
        holds,
        started: last.then(() => read(named, probes.signal, holds.signal)),
      });
    },
    stop,
    stopped,
    async stopAll() {
      for (const named of readings.keys()) void stop(named);
      await Promise.all(stopping.values());
    },
  };

  async function end({ name, explain }: NamedBinding, reading: Reading) {
    reading.probes.abort();
    const stopReading = await reading.started;
    const stopped = stopReading?.();
    reading.holds.abort();
    try {
      await stopped;
    } catch (error) {
      log.error(`error stopping input binding ${name}: ${explain(error)}`);
    }
  }

  async function read(
    named: NamedBinding,
    probes: AbortSignal,
    holds: AbortSignal,
  ): Promise<StopReading | undefined> {
    try {
      probes.throwIfAborted();
      if (!named.directions.explicit && !(await isWanted(named, probes)))
        return undefined;
      return await named.binding.read!(deliver(named, holds));
    } catch (error) {
      if (!probes.aborted)
        log.error(
          `error reading from input binding ${named.name}: ${named.explain(error)}`,
        );
      return undefined;
    }
  }

  /**
   * `OPTIONS /<route>`: 2xx or 405 subscribes. Where the original gives up on a
   * transport error and leaves the app unsubscribed until its restart, this asks again.
   */
  async function isWanted(
    { name, route }: NamedBinding,
    signal: AbortSignal,
  ): Promise<boolean> {
    for (let attempt = 0; ; attempt++) {
      try {
        const { status } = await app.send("OPTIONS", `/${route}`, {
          timeoutMs: probeTimeoutMs,
        });
        const wanted = (status >= 200 && status < 300) || status === 405;
        if (!wanted)
          log.warn(
            `app does not take input binding ${name}: OPTIONS /${route} answered ${status}, not 2xx or 405, so nothing is delivered; give the app the route POST /${route}, or the component the metadata route (the app's path) or direction: output`,
          );
        return wanted;
      } catch (error) {
        signal.throwIfAborted();
        const waitMs =
          probeRetryMs[Math.min(attempt, probeRetryMs.length - 1)]!;
        log.warn(
          `could not ask the app whether it takes input binding ${name}: ${messageOf(error)}; asking again in ${waitMs} ms`,
        );
        await delay(waitMs, undefined, { signal });
      }
    }
  }

  /**
   * Delivers one message. While nothing listens on the app's port it holds the
   * message instead of failing it: an app that restarts is not a bad message.
   */
  function deliver(
    { name, route }: NamedBinding,
    signal: AbortSignal,
  ): Deliver {
    const path = `/${route}`;
    const onDropped = (header: string) => {
      const key = `${name} ${header}`;
      if (warned.has(key) || warned.size > 1000) return;
      warned.add(key);
      log.warn(
        `input binding ${name}: header ${JSON.stringify(header)} can't be sent over HTTP and is left out; escapeHeaders: "true" would carry it`,
      );
    };
    const interrupted = () =>
      new DeliveryInterrupted(`input binding ${name} stops`);
    return async ({ data, metadata, perishable }) => {
      const headers = deliveryHeaders(metadata, data, onDropped);
      for (;;) {
        let reply;
        try {
          reply = await app.send("POST", path, { body: data, headers });
        } catch (error) {
          if (signal.aborted) throw interrupted();
          if (perishable || !isRefused(error)) throw error;
          log.warn(
            `the app does not listen: input binding ${name} holds its messages until it does`,
          );
          await app.whenListening(signal).catch(() => {
            throw interrupted();
          });
          continue;
        }
        if (reply.status >= 200 && reply.status < 300) return reply.body;
        throw new DeliveryError(
          `fails to send binding event to http app channel, status code: ${reply.status} body: ${Buffer.from(reply.body).toString("utf8", 0, 1024)}${reply.status === 431 ? tooLarge(headers) : ""}`,
          reply.status,
        );
      }
    };
  }
}

/** For 431, where the app's server names no size. */
function tooLarge(headers: Record<string, string>): string {
  let size = 0;
  for (const name in headers)
    size += name.length + Buffer.byteLength(headers[name]!, "latin1") + 4;
  return `; the message's headers take ${size} bytes, more than the app's server accepts: raise its limit (of Node's: --max-http-header-size), or leave headers out`;
}

/** Nothing listens on the app's port. */
function isRefused(error: unknown): boolean {
  for (
    let e = error as Error | undefined;
    e;
    e = e.cause as Error | undefined
  ) {
    if ((e as { code?: string }).code === "ECONNREFUSED") return true;
    const inner = (e as AggregateError).errors;
    if (Array.isArray(inner) && inner.some(isRefused)) return true;
  }
  return false;
}
