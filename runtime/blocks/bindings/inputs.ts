/**
 * Input bindings: whether the app wants one, reading it, and handing over its
 * messages (docs/protocol/bindings.md).
 */
import type { Binding } from "../../contracts/binding.ts";
import {
  DeliveryInterrupted,
  type Deliver,
  type StopReading,
} from "../../contracts/delivery.ts";
import type { AppAnswer, AppChannel } from "../../contracts/app-channel.ts";
import { messageOf } from "../../shared/message-of.ts";
import type { Explain } from "../../contracts/hide-secrets.ts";
import type { Run } from "../../contracts/run.ts";
import type { Logger } from "../../shared/log.ts";
import { delay } from "../../shared/timers.ts";
import { holdWhileAway, runUnlessAway } from "../reading/hold.ts";
import { createReadings, type Readings } from "../reading/readings.ts";

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

export type Inputs = Readings<NamedBinding>;

const probeRetryMs = [100, 500, 1000, 2000, 5000];

export function createInputs({
  log,
  app,
  inbound,
  probeTimeoutMs,
  create,
}: InputsOptions): Inputs {
  return createReadings<NamedBinding>({
    read,
    onStopFailed: ({ name, explain }, error) =>
      log.error(`error stopping input binding ${name}: ${explain(error)}`),
  });

  async function read(
    named: NamedBinding,
    probes: AbortSignal,
    holds: AbortSignal,
  ): Promise<StopReading | undefined> {
    try {
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

  /** Delivers one message, held while nothing listens on the app's port. */
  function deliver(named: NamedBinding, signal: AbortSignal): Deliver {
    const { name } = named;
    const run = inbound(name);
    const holding = {
      app,
      signal,
      interrupted: () => new DeliveryInterrupted(`input binding ${name} stops`),
      onHeld: () =>
        log.warn(
          `the app does not listen: input binding ${name} holds its messages until it does`,
        ),
    };
    return (message) =>
      holdWhileAway(
        async () => {
          const answer = await runUnlessAway(
            run,
            (limit) => app.deliver(named, message, limit),
            signal,
          );
          await sendOn(name, answer);
          return answer.data;
        },
        message.perishable ? { ...holding, mayHold: false } : holding,
      );
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
