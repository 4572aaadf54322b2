/**
 * Calls to sidecars that speak the original's internal gRPC: by CallLocalStream,
 * or by CallLocal if they have nothing else. Loaded with the first such call.
 */
import { Readable } from "node:stream";
import {
  Client,
  connectivityState,
  credentials,
  Metadata,
  status as codes,
  type ServiceError,
} from "@grpc/grpc-js";
import type {
  ForwardReply,
  PeerRequest,
  Peers,
} from "../../contracts/invocation.ts";
import type { Peer } from "../../contracts/name-resolver.ts";
import { toInvokeRequest, toReplyHead, type ReplyHead } from "./headers.ts";
import type { InvokeResponse, RequestPart, ResponsePart } from "./messages.ts";
import { PayloadBody, sendBody } from "./payloads.ts";
import { callLocal, callLocalStream } from "./service.ts";
import { headless, toCallError, unreadable } from "./trouble.ts";

export interface GrpcPeersOptions {
  /** The limit of a message; 0 or less is none. */
  maxBodyBytes: number;
}

/** A number that no piece has: no body has so many. */
const outOfTurn = Number.MAX_SAFE_INTEGER;
/** After so long a call is cancelled although the peer has not taken the last piece. */
const cancelMs = 1000;
/** The time to connect, enough to send a lost packet again. The address of a pod that is gone does not answer at all. */
const connectMs = 3000;

export function createGrpcPeers({ maxBodyBytes }: GrpcPeersOptions): Peers {
  const clients = new Map<string, Client>();
  const maxBytes = maxBodyBytes > 0 ? maxBodyBytes : -1;

  function clientOf({ host, port }: Peer): Client {
    const address = host.includes(":")
      ? `[${host}]:${port}`
      : `${host}:${port}`;
    let client = clients.get(address);
    if (!client) {
      client = new Client(address, credentials.createInsecure(), {
        "grpc.max_receive_message_length": maxBytes,
        "grpc.max_send_message_length": maxBytes,
        "grpc.client_idle_timeout_ms": 180_000,
        "grpc.enable_http_proxy": 0,
        // A retry would keep the body in memory; the caller decides about retries.
        "grpc.enable_retries": 0,
        "grpc.service_config_disable_resolution": 1,
        "grpc.use_local_subchannel_pool": 1,
        "grpc.enable_channelz": 0,
      });
      clients.set(address, client);
    }
    return client;
  }

  /** Makes the next call connect at once, and not only when the library would try again. */
  function drop(client: Client) {
    for (const [address, known] of clients)
      if (known === client) clients.delete(address);
    client.close();
  }

  return {
    async call(peer, request) {
      request.signal?.throwIfAborted();
      const client = clientOf(peer);
      try {
        if (!isConnected(client)) await connect(client);
        return await callStream(client, peer, request);
      } catch (error) {
        if (!isServiceError(error)) throw error;
        const isRepeatable = !(request.body instanceof Readable);
        try {
          if (error.code === codes.UNIMPLEMENTED && isRepeatable)
            return await callOnce(client, peer, request);
          throw error;
        } catch (last) {
          if (!isServiceError(last)) throw last;
          if (last.code === codes.UNAVAILABLE) drop(client);
          throw toCallError(last, request.appId, peer);
        }
      }
    },
    async close() {
      for (const client of clients.values()) client.close();
      clients.clear();
    },
  };
}

const isConnected = (client: Client) =>
  client.getChannel().getConnectivityState(true) === connectivityState.READY;

/**
 * Resolves once the attempt to connect has ended; if it failed, calls over it
 * fail at once and say why. If nothing answers it rejects like such a call.
 */
function connect(client: Client): Promise<void> {
  const channel = client.getChannel();
  const untilMs = Date.now() + connectMs;
  return new Promise((resolve, reject) => {
    const look = (late?: Error) => {
      const state = channel.getConnectivityState(true);
      const isUnderWay =
        state === connectivityState.IDLE ||
        state === connectivityState.CONNECTING;
      if (!isUnderWay) return resolve();
      if (!late) return channel.watchConnectivityState(state, untilMs, look);
      const details = `No connection established within ${connectMs / 1000} s`;
      const code = codes.UNAVAILABLE;
      reject(Object.assign(new Error(details), { code, details }));
    };
    look();
  });
}

function callStream(
  client: Client,
  peer: Peer,
  request: PeerRequest,
): Promise<ForwardReply> {
  return new Promise((resolve, reject) => {
    const { signal } = request;
    const head = toInvokeRequest(request);
    const call = client.makeBidiStreamRequest<RequestPart, ResponsePart>(
      callLocalStream.path,
      callLocalStream.requestSerialize,
      callLocalStream.responseDeserialize,
    );
    let isAnswered = false;
    let body: PayloadBody | undefined;
    const finish = (error?: Error) => {
      signal?.removeEventListener("abort", onAbort);
      stopSending();
      if (error && !isAnswered) reject(error);
      else if (error) body?.destroy(error);
      else if (!isAnswered) reject(headless(request.appId, peer));
      else body?.push(null);
    };
    const onAbort = () => {
      finish(signal!.reason as Error);
      breakOff();
    };
    const breakOff = () => {
      if (!(request.body instanceof Readable) || request.body.readableEnded)
        return call.cancel();
      // Node ends the stream before it resets it, so half a body would look like
      // the whole. A piece out of turn makes the stream invalid first.
      const timer = setTimeout(() => call.cancel(), cancelMs).unref();
      call.write(
        { payload: { data: new Uint8Array(0), seq: outOfTurn } },
        () => {
          clearTimeout(timer);
          call.cancel();
        },
      );
    };
    signal?.addEventListener("abort", onAbort);

    call.on("data", ({ response, payload }: ResponsePart) => {
      if (!isAnswered) {
        if (!response?.status) {
          finish(headless(request.appId, peer));
          return call.cancel();
        }
        let reply: ReplyHead;
        try {
          reply = toReplyHead(response);
        } catch (error) {
          finish(unreadable(request.appId, peer, error));
          return call.cancel();
        }
        isAnswered = true;
        const whole = reply.body ?? wholeOf(reply.headers, payload?.data);
        if (!whole) body = new PayloadBody(call, breakOff);
        resolve({ ...reply, body: whole ?? body! });
      }
      if (payload) body?.add(payload);
    });
    call.on("end", () => finish());
    call.on("error", finish);

    call.write({ request: head });
    const stopSending = sendBody(request.body, {
      write: (payload, done) => call.write({ payload }, done),
      end: () => call.end(),
      fail(error) {
        finish(error);
        breakOff();
      },
    });
  });
}

/** The body if all of it came with the first message, which its length tells. */
function wholeOf(
  headers: string[],
  data: Uint8Array | undefined,
): Uint8Array | undefined {
  const at = headers.indexOf("content-length");
  const isWhole = at >= 0 && Number(headers[at + 1]) === (data?.length ?? 0);
  return isWhole ? (data ?? new Uint8Array(0)) : undefined;
}

function callOnce(
  client: Client,
  peer: Peer,
  request: PeerRequest,
): Promise<ForwardReply> {
  return new Promise((resolve, reject) => {
    const { signal } = request;
    const whole = toInvokeRequest(request);
    const { body } = request;
    if (body) whole.message!.data = Buffer.from(body as Uint8Array);
    const call = client.makeUnaryRequest<typeof whole, InvokeResponse>(
      callLocal.path,
      callLocal.requestSerialize,
      callLocal.responseDeserialize,
      whole,
      new Metadata(),
      (error, response) => {
        signal?.removeEventListener("abort", onAbort);
        if (signal?.aborted) return reject(signal.reason as Error);
        if (error) return reject(error);
        if (!response?.status) return reject(headless(request.appId, peer));
        try {
          const reply = toReplyHead(response);
          resolve({ ...reply, body: reply.body ?? response.data });
        } catch (badHead) {
          reject(unreadable(request.appId, peer, badHead));
        }
      },
    );
    const onAbort = () => call.cancel();
    signal?.addEventListener("abort", onAbort);
  });
}

const isServiceError = (error: unknown): error is ServiceError =>
  error instanceof Error &&
  typeof (error as Partial<ServiceError>).code === "number" &&
  "details" in error;
