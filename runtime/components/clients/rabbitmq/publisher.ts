/** Sends messages to exchanges, and waits until the server has them. */
import type { ConfirmChannel, ChannelModel, Options } from "amqplib";
import { pause } from "../../../shared/backoff.ts";
import { messageOf } from "../../../shared/message-of.ts";
import { unlessAborted } from "../../../shared/unless-aborted.ts";
import type { RabbitClient } from "./connection.ts";

export interface Outgoing {
  exchange: string;
  routingKey: string;
  content: Buffer;
  options: Options.Publish;
}

export interface RabbitPublisher {
  /**
   * Resolves once the server has the message. Tried three times, 10 s in all: a message may then be there
   * twice, since the server may have had it when its answer was lost.
   */
  publish(message: Outgoing, signal: AbortSignal | undefined): Promise<void>;
  /** Waits for what is under way. */
  close(): Promise<void>;
}

export interface PublisherOptions {
  client: RabbitClient;
  /** Creates an exchange; called once for each on a channel. */
  declare(channel: ConfirmChannel, exchange: string): Promise<unknown>;
  /** Without, a message that is lost on its way is not noticed. */
  confirms: boolean;
}

const mostTries = 3;
const againMs = 2000;
const limitMs = 10_000;

/** One for a connection; a new one after the server closed it, as it does at each error. */
interface Open {
  model: ChannelModel;
  channel: ConfirmChannel;
  declared: Map<string, Promise<unknown>>;
  /** Why it is closed. */
  problem?: Error;
}

export function createPublisher({
  client,
  declare,
  confirms,
}: PublisherOptions): RabbitPublisher {
  let opening: { model: ChannelModel; open: Promise<Open> } | undefined;
  const underWay = new Set<Promise<void>>();
  let isClosed = false;

  /** The channel of this connection; messages that come meanwhile wait for it too. */
  function channelOf(model: ChannelModel): Promise<Open> {
    if (opening?.model === model) return opening.open;
    const mine = { model, open: openChannel(model) };
    opening = mine;
    const forget = () => {
      if (opening === mine) opening = undefined;
    };
    mine.open.then(({ channel }) => channel.on("close", forget), forget);
    return mine.open;
  }

  async function send(message: Outgoing, limit: AbortSignal): Promise<void> {
    const model = await client.connection(limit);
    const open = await unlessAborted(channelOf(model), limit);
    try {
      let declared = open.declared.get(message.exchange);
      if (!declared) {
        declared = declare(open.channel, message.exchange);
        open.declared.set(message.exchange, declared);
      }
      await unlessAborted(declared, limit);
      await unlessAborted(transmit(open.channel, message, confirms), limit);
    } catch (error) {
      if (error instanceof Unwritable) {
        // Its channel waits for the answer to something that was never sent.
        if (opening?.model === model) opening = undefined;
        open.channel.close().catch(() => {}); // whoever waits there is told
      }
      // A closed channel says why it is closed to itself only.
      throw open.problem ?? error;
    }
  }

  async function publish(message: Outgoing, signal?: AbortSignal) {
    const late = new Error("late");
    const timer = new AbortController();
    void pause(limitMs, timer.signal).then(
      (isOver) => isOver && timer.abort(late),
    );
    const limit = signal
      ? AbortSignal.any([signal, timer.signal])
      : timer.signal;
    try {
      for (let tries = 1; ; tries++)
        try {
          return await send(message, limit);
        } catch (error) {
          if (signal?.aborted) throw signal.reason as Error;
          if (error === late) throw unconfirmed(client);
          if (
            limit.aborted ||
            tries === mostTries ||
            isLasting(error, message.exchange)
          )
            throw error;
          await pause(isRefused(error) ? againMs : 0, limit);
        }
    } finally {
      timer.abort();
    }
  }

  return {
    publish(message, signal) {
      if (isClosed)
        return Promise.reject(new Error(`rabbitmq at ${client.at} is closed`));
      const work = publish(message, signal);
      underWay.add(work);
      return work.finally(() => underWay.delete(work));
    },
    async close() {
      isClosed = true;
      await Promise.allSettled(underWay);
    },
  };
}

async function openChannel(model: ChannelModel): Promise<Open> {
  const channel = await model.createConfirmChannel();
  const open: Open = { model, channel, declared: new Map() };
  channel.on("error", (error) => (open.problem = error));
  return open;
}

function transmit(
  channel: ConfirmChannel,
  { exchange, routingKey, content, options }: Outgoing,
  confirms: boolean,
): Promise<void> {
  return new Promise((resolve, reject) => {
    try {
      channel.publish(exchange, routingKey, content, options, (error) =>
        error ? reject(error as Error) : resolve(),
      );
    } catch (error) {
      return reject(
        new Unwritable(
          `the message can't be written as RabbitMQ wants it, and was not sent: ${messageOf(error)}; its metadata may be too large`,
          { cause: error },
        ),
      );
    }
    if (!confirms) resolve();
  });
}

/** What the protocol has no form for, such as headers larger than a frame. */
class Unwritable extends Error {}

function unconfirmed({ at, blocked }: RabbitClient): Error {
  return new Error(
    blocked === undefined
      ? `rabbitmq at ${at} has not confirmed the message within ${limitMs / 1000} s: it may have it or not`
      : `rabbitmq at ${at} takes no messages at the moment: ${blocked}`,
  );
}

/** The server has the message and does not want it now. */
const isRefused = (error: unknown) => messageOf(error) === "message nacked";

/**
 * An answer that the next try would get too: no right, or an exchange of this name with other properties. The server ends the
 * channel with it, and so all that goes out there; of those only this one's exchange is in its text.
 */
const isLasting = (error: unknown, exchange: string) =>
  error instanceof Unwritable ||
  ([403, 405, 406].includes((error as { code?: number }).code ?? 0) &&
    messageOf(error).includes(`'${exchange}'`));
