/**
 * The bindings building block: what output and input bindings mean, whatever
 * protocol asks (spec api §1).
 */
import { setTimeout as delay } from "node:timers/promises";
import {
  BindingError,
  DeliveryError,
  DeliveryInterrupted,
  type AppChannel,
  type Binding,
  type BindingResponse,
  type Deliver,
  type StopReading,
} from "../contract.ts";
import { ApiError, messageOf } from "../errors.ts";
import type { Explain } from "../hide-secrets.ts";
import type { Logger } from "../log.ts";
import { deliveryHeaders } from "./delivery-headers.ts";

export interface NamedBinding {
  name: string;
  binding: Binding;
  explain: Explain;
  /** Path the app takes messages at, without its leading slash: metadata `route`, else the name. */
  route: string;
  directions: { input: boolean; output: boolean; explicit: boolean };
}

export interface BindingsOptions {
  log: Logger;
  app: AppChannel | undefined;
  /** How long the app may take to answer the OPTIONS probe. */
  probeTimeoutMs: number;
}

const probeRetryMs = [100, 500, 1000, 2000, 5000];

export type Bindings = ReturnType<typeof createBindings>;

export function createBindings(options: BindingsOptions) {
  const { log, app } = options;
  const byName = new Map<string, NamedBinding>();
  /** Ends probes first; messages held for a missing app only once their inputs know that they stop. */
  let reading: { probes: AbortController; holds: AbortController } | undefined;
  let stops: { named: NamedBinding; stop: StopReading }[] = [];
  const unsettled = new Set<Promise<void>>();
  let stopping = Promise.resolve();
  const warned = new Set<string>();

  return {
    add(named: NamedBinding) {
      byName.set(named.name, named);
    },

    /** Asks an output binding. Rejects with the documented {@link ApiError}; `undefined` means 204. */
    async invoke(
      name: string,
      operation: string,
      data: Uint8Array | undefined,
      metadata: Record<string, string>,
    ): Promise<BindingResponse | undefined> {
      const fail = (cause: string) =>
        new ApiError("invokeOutputBinding", [name, cause]);
      if (operation === "")
        throw fail("operation field is missing from request");
      const named = byName.get(name);
      if (!named?.directions.output || !named.binding.invoke)
        throw fail(`couldn't find output binding ${name}`);
      const operations = named.binding.operations ?? [];
      if (!operations.includes(operation))
        throw fail(
          `binding ${name} does not support operation ${operation}. supported operations:${operations.join(" ")}`,
        );
      try {
        return await named.binding.invoke({ operation, data, metadata });
      } catch (error) {
        throw new ApiError(
          "invokeOutputBinding",
          [name, named.explain(error)],
          {
            cause: error,
            headers:
              error instanceof BindingError
                ? metadataHeaders(error.metadata)
                : undefined,
          },
        );
      }
    },

    /** Starts every input the app wants. Called when the app becomes healthy. */
    startReading() {
      if (!app || reading) return;
      reading = { probes: new AbortController(), holds: new AbortController() };
      for (const named of byName.values()) {
        if (!named.directions.input || !named.binding.read) continue;
        const { probes, holds } = reading;
        // A binding is read again only once its last reading has stopped.
        const started = stopping
          .then(() => startOne(named, probes.signal, holds.signal))
          .finally(() => unsettled.delete(started));
        unsettled.add(started);
      }
    },

    /** Stops all inputs: nothing new is taken, what is in flight is waited for and committed. */
    stopReading(): Promise<void> {
      if (reading) {
        const { probes, holds } = reading;
        reading = undefined;
        stopping = stopAll(probes, holds);
      }
      return stopping;
    },

    /** What `/v1.0/metadata` says of a binding. */
    capabilities({ binding, directions }: NamedBinding): string[] {
      return [
        ...(binding.read && directions.input ? ["INPUT_BINDING"] : []),
        ...(binding.invoke && directions.output ? ["OUTPUT_BINDING"] : []),
      ];
    },
  };

  async function stopAll(probes: AbortController, holds: AbortController) {
    probes.abort();
    await Promise.all(unsettled);
    const stopped = stops.map(async ({ named, stop }) => {
      try {
        await stop();
      } catch (error) {
        log.error(
          `error stopping input binding ${named.name}: ${named.explain(error)}`,
        );
      }
    });
    stops = [];
    holds.abort();
    await Promise.all(stopped);
  }

  async function startOne(
    named: NamedBinding,
    probes: AbortSignal,
    holds: AbortSignal,
  ) {
    try {
      probes.throwIfAborted();
      if (!named.directions.explicit && !(await isWanted(named, probes)))
        return;
      const stop = await named.binding.read!(deliver(named, holds));
      stops.push({ named, stop });
    } catch (error) {
      if (probes.aborted) return;
      log.error(
        `error reading from input binding ${named.name}: ${named.explain(error)}`,
      );
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
        const { status } = await app!.send("OPTIONS", `/${route}`, {
          timeoutMs: options.probeTimeoutMs,
        });
        const wanted = (status >= 200 && status < 300) || status === 405;
        if (!wanted)
          log.info(
            `app does not take input binding ${name}: OPTIONS /${route} answered ${status}, not 2xx or 405`,
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
      const headers = deliveryHeaders(metadata, onDropped);
      for (;;) {
        let reply;
        try {
          reply = await app!.send("POST", path, { body: data, headers });
        } catch (error) {
          if (signal.aborted) throw interrupted();
          if (perishable || !isRefused(error)) throw error;
          log.warn(
            `the app does not listen: input binding ${name} holds its messages until it does`,
          );
          await app!.whenListening(signal).catch(() => {
            throw interrupted();
          });
          continue;
        }
        if (reply.status >= 200 && reply.status < 300) return reply.body;
        throw new DeliveryError(
          `fails to send binding event to http app channel, status code: ${reply.status} body: ${Buffer.from(reply.body).toString("utf8", 0, 1024)}`,
          reply.status,
        );
      }
    };
  }
}

/** A binding's metadata as the API answers it (spec api §1.1). */
export function metadataHeaders(
  metadata: Record<string, string> | undefined,
): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const key in metadata) headers[`metadata.${key}`] = metadata[key]!;
  return headers;
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
