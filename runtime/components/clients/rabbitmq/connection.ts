/** A connection to RabbitMQ that outlives the server. Only the files of this folder know amqplib. */
import type { ChannelModel } from "amqplib";
import type { Socket } from "node:net";
import { doublingBackoff, pause } from "../../../shared/backoff.ts";
import type { Logger } from "../../../shared/log.ts";
import { messageOf } from "../../../shared/message-of.ts";
import { unlessAborted } from "../../../shared/unless-aborted.ts";
import { lacking, untrusted, watchServer } from "../server-outage.ts";
import { isTlsRefusal, wrongServer } from "../wrong-server.ts";
import type { RabbitServer } from "./settings.ts";

export interface RabbitClient {
  /** host:port, for messages. */
  readonly at: string;
  readonly isConnected: boolean;
  /** The connection, once there is one. Rejects when `signal` aborts, with the reason why there is none. */
  connection(signal: AbortSignal): Promise<ChannelModel>;
  /** Why the server takes no messages at the moment, if it says so: it lacks memory or disk. */
  readonly blocked: string | undefined;
  close(): Promise<void>;
}

/** Less than the time a component has to open: a late server is not an error. RabbitMQ takes a second to refuse a login. */
const firstTryMs = 4000;
const firstPauseMs = 100;
const dialMs = 10_000;
const goodbyeMs = 2000;

/**
 * Connects. A server that is away is waited for in the background. Rejects if waiting is
 * no use: a wrong login, a virtual host that does not exist, a certificate that is not trusted.
 */
export async function openRabbit(
  server: RabbitServer,
  log: Logger,
): Promise<RabbitClient> {
  const name = `rabbitmq at ${server.at}`;
  const outage = watchServer(log, name);
  const closing = new AbortController();
  const backoff = doublingBackoff(firstPauseMs, server.mostPauseMs, 0.1);
  let current = Promise.withResolvers<ChannelModel>();
  let model: ChannelModel | undefined;
  let blocked: string | undefined;
  const first = Promise.withResolvers<void>();
  /** Somebody waits for the first attempt. */
  let isOpening = true;

  async function keepConnected() {
    while (!closing.signal.aborted) {
      try {
        const opened = await connect(server);
        const over = ended(opened);
        if (closing.signal.aborted) return await sayGoodbye(opened);
        model = opened;
        model.on("blocked", (reason) => {
          blocked = reason;
          log.warn(`${name} takes no messages at the moment: ${reason}`);
        });
        model.on("unblocked", () => (blocked = undefined));
        outage.over();
        backoff.reset();
        current.resolve(model);
        first.resolve();
        const reason = await over;
        model = blocked = undefined;
        current = Promise.withResolvers();
        if (!closing.signal.aborted) outage.found(reason);
      } catch (error) {
        if (isOpening && isHopeless(error, server)) {
          closing.abort();
          return first.reject(
            new Error(
              `rabbitmq pub/sub error: ${lacking(name, reasonOf(error, server))}`,
              { cause: error },
            ),
          );
        }
        if (!closing.signal.aborted) outage.found(reasonOf(error, server));
      }
      first.resolve();
      await backoff.wait(closing.signal);
    }
  }

  const connected = keepConnected();
  await within(firstTryMs, first.promise);
  isOpening = false;

  return {
    at: server.at,
    get isConnected() {
      return model !== undefined;
    },
    get blocked() {
      return blocked;
    },
    async connection(signal) {
      if (closing.signal.aborted) throw new Error(`${name} is closed`);
      const either = AbortSignal.any([signal, closing.signal]);
      try {
        return await unlessAborted(current.promise, either);
      } catch {
        if (closing.signal.aborted) throw new Error(`${name} is closed`);
        throw new Error(lacking(name, outage.reason ?? "it does not answer"));
      }
    },
    async close() {
      closing.abort();
      if (model) await sayGoodbye(model);
      // A server that does not answer at all is not waited for.
      await within(goodbyeMs, connected);
    },
  };
}

async function connect(server: RabbitServer): Promise<ChannelModel> {
  const loaded = await import("amqplib");
  // A bundle has the whole of a CommonJS package as its default export.
  const amqp = ("default" in loaded ? loaded.default : loaded) as typeof loaded;
  const { tls, host, port, vhost, login, clientName, heartbeatSeconds } =
    server;
  return amqp.connect(
    {
      protocol: tls ? "amqps" : "amqp",
      hostname: host,
      port,
      vhost: encodeURIComponent(vhost),
      heartbeat: heartbeatSeconds,
      ...login,
    },
    {
      ...tls,
      noDelay: true,
      timeout: dialMs,
      ...(clientName === undefined
        ? {}
        : { clientProperties: { connection_name: clientName } }),
      ...(login ? {} : { credentials: amqp.credentials.external() }),
    },
  );
}

/** Resolves with the reason when the connection has ended. */
function ended(model: ChannelModel): Promise<string> {
  let problem: Error | undefined;
  model.on("error", (error) => (problem = error));
  return new Promise((resolve) =>
    model.on("close", (error) => {
      socketOf(model).destroy(); // amqplib leaves one that hangs half open
      resolve(messageOf(problem ?? error ?? "the connection has ended"));
    }),
  );
}

const socketOf = (model: ChannelModel) =>
  (model.connection as unknown as { stream: Socket }).stream;

async function sayGoodbye(model: ChannelModel): Promise<void> {
  // If it is cut off meanwhile, it is gone as well.
  await within(
    goodbyeMs,
    model.close().catch(() => {}),
  );
  socketOf(model).destroy();
}

/** Waits for the work, but not longer than `ms`. */
async function within(ms: number, work: Promise<unknown>): Promise<void> {
  const over = new AbortController();
  await Promise.race([work, pause(ms, over.signal)]).finally(() =>
    over.abort(),
  );
}

/** The server's own words are in the middle of amqplib's. */
function reasonOf(error: unknown, { vhost, tls }: RabbitServer): string {
  const text = messageOf(error).trim();
  // Its answer to the name of the virtual host, of which amqplib keeps only the kind.
  if (text.startsWith("Expected ConnectionOpenOk; got <ConnectionClose"))
    return `NOT_ALLOWED - the virtual host ${vhost} does not exist, or the user may not use it`;
  const wrong = wrongServer(error, {
    ownPort: "RabbitMQ's port for AMQP",
    foreign: /^(Frame size|Invalid frame|Unknown frame type|Frame on channel)/,
    useTls,
    useNoTls: "say amqp in connectionString or protocol",
    speaksTls: tls !== undefined,
    hasCertificate: tls?.cert !== undefined,
  });
  if (wrong) return wrong;
  if (!tls && text.startsWith("Socket closed abruptly"))
    return `the server closed the connection; if it speaks TLS only, ${useTls}`;
  const [, own] =
    /^(?:Handshake terminated by server|Connection closed): \d+ \([A-Z_-]+\) with message "(.*)"$/.exec(
      text,
    ) ?? [];
  return untrusted(error, "its authority goes into 'caCert'") ?? own ?? text;
}

const useTls = "say amqps in connectionString or protocol";

const isHopeless = (error: unknown, server: RabbitServer): boolean =>
  /^(ACCESS_REFUSED|NOT_ALLOWED)/.test(reasonOf(error, server)) ||
  isTlsRefusal(error) ||
  untrusted(error, "") !== undefined;
