/** A connection to an MQTT server that outlives it. Only this file knows the library mqtt. */
import type { ConnectionOptions } from "node:tls";
import type { IPublishPacket, MqttClient } from "mqtt";
import { doublingBackoff, pause } from "../../../shared/backoff.ts";
import type { Logger } from "../../../shared/log.ts";
import { messageOf } from "../../../shared/message-of.ts";
import { unlessAborted } from "../../../shared/unless-aborted.ts";
import { lacking, untrusted, watchServer } from "../server-outage.ts";
import { isTlsRefusal, wrongServer } from "../wrong-server.ts";

export interface MqttServer {
  /** host:port, for messages. */
  at: string;
  protocol: "mqtt" | "mqtts" | "ws" | "wss";
  host: string;
  port: number;
  /** Of a WebSocket's URL. */
  path: string;
  login: { username?: string; password?: string };
  tls: ConnectionOptions;
  clientId: string;
  /** Without, the server keeps subscriptions and messages for this client ID while it is away. */
  cleanSession: boolean;
}

/** A message from the server. */
export interface Arrival {
  topic: string;
  data: Buffer;
  isRetained: boolean;
  /** False where the server does not keep it until it is acknowledged. */
  isKept: boolean;
  /** Tells the server that it is done with. Without effect once the connection it came by has ended: then it comes again. */
  acknowledge(): void;
  /** Fires with the end of the connection. */
  signal: AbortSignal;
}

export interface MqttConnection {
  readonly at: string;
  publish(
    topic: string,
    data: Buffer,
    options: { qos: 0 | 1 | 2; retain: boolean },
    signal: AbortSignal | undefined,
  ): Promise<void>;
  /** Rejects if the server refuses; one that is late gets it when it is there. */
  subscribe(filter: string, qos: 0 | 1): Promise<void>;
  unsubscribe(filter: string): Promise<void>;
  close(): Promise<void>;
}

/** Less than the time a component has to open: a late server is not an error. */
const firstTryMs = 2000;
const dialMs = 10_000;
const keepAliveSeconds = 30;
const pauses = { firstMs: 100, mostMs: 5000 };
const publishMs = 10_000;
const goodbyeMs = 2000;

/**
 * Connects. A server that is away is waited for in the background. Rejects if waiting is
 * no use: a wrong login, a certificate that is not trusted.
 */
export async function openMqtt(
  server: MqttServer,
  onArrival: (message: Arrival) => void,
  log: Logger,
): Promise<MqttConnection> {
  const name = `mqtt server at ${server.at}`;
  const outage = watchServer(log, name);
  const backoff = doublingBackoff(pauses.firstMs, pauses.mostMs, 0.1);
  const client = await prepare(server);
  let isClosed = false;
  /** Ends with the connection. */
  let session = new AbortController();
  let connected = Promise.withResolvers<void>();
  const underWay = new Set<Promise<void>>();

  let wasConnected = false;
  client.on("connect", () => {
    outage.over();
    backoff.reset();
    wasConnected = true;
    connected.resolve();
  });
  let last: Error | undefined;
  client.on("error", (error) => {
    last = error;
    if (!isClosed) outage.found(reasonOf(error, server));
  });
  client.on("close", () => {
    session.abort();
    session = new AbortController();
    if (client.connected || isClosed) return;
    if (last === undefined)
      outage.found(
        wasConnected || isTls(server.protocol)
          ? "the connection has ended"
          : `the server closed the connection; if it speaks TLS only, ${useTls}`,
      );
    last = undefined;
    wasConnected = false;
    connected = Promise.withResolvers();
    client.options.reconnectPeriod = Math.ceil(backoff.nextMs());
  });

  // The callback acknowledges, and the next packet is handled only after it. With an error it does not
  // acknowledge, and has no other effect.
  client.handleMessage = (packet: IPublishPacket, callback) => {
    const { signal } = session;
    const { topic, payload, qos, messageId, retain } = packet;
    callback(qos === 0 ? undefined : new Error("acknowledged later"));
    onArrival({
      topic,
      data: Buffer.from(payload as Buffer),
      isRetained: retain,
      isKept: qos > 0,
      acknowledge() {
        if (qos > 0 && !signal.aborted)
          client["_sendPacket"]({ cmd: "puback", messageId: messageId! });
      },
      signal,
    });
  };

  await firstAttempt(client, server, name);

  async function publish(
    topic: string,
    data: Buffer,
    options: { qos: 0 | 1 | 2; retain: boolean },
    signal?: AbortSignal,
  ): Promise<void> {
    const late = new Error("late");
    const timer = new AbortController();
    void pause(publishMs, timer.signal).then(
      (isOver) => isOver && timer.abort(late),
    );
    const limit = signal
      ? AbortSignal.any([signal, timer.signal])
      : timer.signal;
    let id: number | undefined;
    try {
      await unlessAborted(connected.promise, limit);
      const sent = client.publishAsync(topic, data, options);
      id = client.getLastMessageId();
      sent.catch(() => {}); // told by whoever waits, or given up
      await unlessAborted(sent, limit);
    } catch (error) {
      if (limit.aborted && id !== undefined && options.qos > 0)
        client.removeOutgoingMessage(id);
      if (isClosed) throw new Error(`${name} is closed`);
      if (error !== late) throw error;
      throw new Error(
        client.connected
          ? `${name} has not confirmed the message within ${publishMs / 1000} s: it may have it or not`
          : lacking(name, outage.reason ?? "it does not answer"),
      );
    } finally {
      timer.abort();
    }
  }

  return {
    at: server.at,
    publish(topic, data, options, signal) {
      if (isClosed) return Promise.reject(new Error(`${name} is closed`));
      const work = publish(topic, data, options, signal);
      underWay.add(work);
      return work.finally(() => underWay.delete(work));
    },
    async subscribe(filter, qos) {
      const asked = client.subscribeAsync(filter, { qos });
      if (!client.connected) return void asked.catch(() => {}); // sent with the connection
      const [granted] = await asked;
      if (granted && (granted.qos as number) > 2)
        throw new Error(`${name} refuses the subscription to ${filter}`);
    },
    async unsubscribe(filter) {
      if (client.connected) await client.unsubscribeAsync(filter);
    },
    async close() {
      if (isClosed) return;
      const wasConnected = client.connected;
      if (wasConnected) await Promise.allSettled(underWay);
      isClosed = true;
      connected.reject(new Error(`${name} is closed`));
      connected.promise.catch(() => {});
      const over = new AbortController();
      await Promise.race([
        endForGood(client, !wasConnected),
        pause(goodbyeMs, over.signal),
      ]);
      over.abort();
      await endForGood(client, true);
    },
  };
}

async function prepare(server: MqttServer): Promise<MqttClient> {
  const loaded = await import("mqtt");
  // A bundle has the whole of a CommonJS package as its default export.
  const mqtt = ("default" in loaded ? loaded.default : loaded) as typeof loaded;
  const { protocol, host, port, path, tls, login, clientId, cleanSession } =
    server;
  return mqtt.connect({
    ...(tls as object),
    ...login,
    manualConnect: true,
    protocol,
    host,
    port,
    path,
    clientId,
    clean: cleanSession,
    protocolVersion: 4,
    keepalive: keepAliveSeconds,
    connectTimeout: dialMs,
    reconnectPeriod: pauses.firstMs,
    reconnectOnConnackError: true,
    queueQoSZero: false,
  });
}

const isTls = (protocol: MqttServer["protocol"]) =>
  protocol === "mqtts" || protocol === "wss";

/** How the library begins what it says of packets that are no MQTT. */
const foreign =
  /^(Invalid|Cannot parse|Malformed|Packet |Not supported|Unknown property|Will |Connect flag)/;

/** A client that was connected by hand forgets that it was ended, and would connect again. */
function endForGood(client: MqttClient, isAtOnce: boolean): Promise<void> {
  client.options.reconnectPeriod = 0;
  return client.endAsync(isAtOnce);
}

/** Resolves once connected, or once it is clear that the server is late. */
async function firstAttempt(
  client: MqttClient,
  server: MqttServer,
  name: string,
): Promise<void> {
  const over = new AbortController();
  const answer = new Promise<Error | undefined>((resolve) => {
    client.once("connect", () => resolve(undefined));
    client.once("error", resolve);
  });
  client.connect();
  const first = await Promise.race([answer, pause(firstTryMs, over.signal)]);
  over.abort();
  if (!(first instanceof Error) || !isHopeless(first)) return;
  await endForGood(client, true);
  throw new Error(
    `mqtt pub/sub error: ${lacking(name, reasonOf(first, server))}`,
    {
      cause: first,
    },
  );
}

const useTls = "write mqtts:// in the url";

const reasonOf = (error: Error, { protocol, tls }: MqttServer): string =>
  wrongServer(error, {
    ownPort: "the server's port for MQTT",
    foreign,
    useTls,
    useNoTls: "write mqtt:// in the url",
    speaksTls: isTls(protocol),
    hasCertificate: tls.cert !== undefined,
  }) ??
  untrusted(error, "its authority goes into 'caCert'") ??
  messageOf(error);

const isHopeless = (error: Error): boolean =>
  /^Connection refused: (Bad username or password|Not authorized|Identifier rejected)/i.test(
    messageOf(error),
  ) ||
  isTlsRefusal(error) ||
  untrusted(error, "") !== undefined;
