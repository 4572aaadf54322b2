/**
 * Input bindings: whether the app wants one, reading it, and handing over its
 * messages (docs/protocol/bindings.md).
 */
import type { Binding } from "../../contracts/binding.ts";
import {
  DeliveryError,
  DeliveryInterrupted,
  type Deliver,
  type StopReading,
} from "../../contracts/delivery.ts";
import {
  AppUnreachable,
  type AppAnswer,
  type AppChannel,
} from "../../contracts/app-channel.ts";
import { messageOf } from "../../shared/message-of.ts";
import type { Explain } from "../../contracts/hide-secrets.ts";
import type { Run } from "../../contracts/run.ts";
import type { Logger } from "../../shared/log.ts";
import { delay } from "../../shared/timers.ts";

export interface NamedBinding {
  name: string;
  binding: Binding;
  explain: Explain;
  /** The path at which the app takes messages, without its leading slash: metadata `route`, else the name. */
  route: string;
  directions: { input: boolean; output: boolean; explicit: boolean };
}

export interface InputsOptions {
  log: Logger;
  app: AppChannel;
  /** What is around each delivery of the input of that name. */
  inbound(name: string): Run;
  /** How long the app may take to say whether it wants an input. */
  probeTimeoutMs: number;
  /** Sends an app's answer to an output binding. Rejects with what went wrong there. */
  create(binding: string, data: Uint8Array | undefined): Promise<unknown>;
}

export interface Inputs {
  /** Reads it, if the app wants it, after the last reading under its name has stopped. */
  start(named: NamedBinding): void;
  /** Takes nothing new; resolves once what is in flight is committed. */
  stop(named: NamedBinding): Promise<void>;
  stopAll(): Promise<void>;
  /** Resolves once everything that was told to stop under this name has stopped. */
  stopped(name: string): Promise<void>;
}

/** Aborts probes at once. Messages that wait for a missing app are let go only after their input knows that it stops. */
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
  inbound,
  probeTimeoutMs,
  create,
}: InputsOptions): Inputs {
  const readings = new Map<NamedBinding, Reading>();
  /** For each name, the end of its last reading. */
  const stopping = new Map<string, Promise<void>>();

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
   * Where the original gives up on an app that can't be asked and leaves it
   * without its messages until its restart, this asks again.
   */
  async function isWanted(
    named: NamedBinding,
    signal: AbortSignal,
  ): Promise<boolean> {
    const { name } = named;
    for (let attempt = 0; ; attempt++) {
      try {
        const refusal = await app.refusalOf(named, probeTimeoutMs);
        if (refusal !== undefined)
          log.warn(`app does not take input binding ${name}: ${refusal}`);
        return refusal === undefined;
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
   * Delivers one message. While nothing listens on the app's port the message is
   * held and does not fail: that the app restarts is not the message's fault.
   */
  function deliver(named: NamedBinding, signal: AbortSignal): Deliver {
    const { name } = named;
    const run = inbound(name);
    const interrupted = () =>
      new DeliveryInterrupted(`input binding ${name} stops`);
    return async (message) => {
      for (;;) {
        try {
          // That nothing listens is no failure of a delivery: no try is used up, and no circuit breaker opens.
          const end = await run(
            (limit) =>
              app.deliver(named, message, limit).then(
                (answer) => ({ answer }),
                (error: unknown) => {
                  if (isAway(error)) return { error };
                  throw error;
                },
              ),
            signal,
          );
          if ("error" in end) throw end.error;
          await sendOn(name, end.answer);
          return end.answer.data;
        } catch (error) {
          if (signal.aborted && !hasAnswered(error)) throw interrupted();
          if (message.perishable || !isAway(error)) throw error;
          log.warn(
            `the app does not listen: input binding ${name} holds its messages until it does`,
          );
          await app.whenListening(signal).catch(() => {
            throw interrupted();
          });
        }
      }
    };
  }

  /** The app took the message, wherever its answer goes: what fails here is told, and no more. */
  async function sendOn(input: string, { data, sendTo }: AppAnswer) {
    if (!sendTo) return;
    const send = async (binding: string) => {
      try {
        await create(binding, data.length === 0 ? undefined : data);
        return true;
      } catch (error) {
        log.error(
          `the app's answer to a message of input binding ${input} did not go to ${binding}: ${messageOf(error)}`,
        );
        return false;
      }
    };
    if (sendTo.atOnce) await Promise.all(sendTo.bindings.map(send));
    else
      for (const binding of sendTo.bindings) if (!(await send(binding))) return;
  }
}

const isAway = (error: unknown) =>
  error instanceof AppUnreachable && error.isAway;

/** The app saw the message and refused it. */
const hasAnswered = (error: unknown) =>
  error instanceof DeliveryError && error.status !== undefined;
