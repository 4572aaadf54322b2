/**
 * Calls to sidecars that speak the original's internal gRPC: by CallLocalStream,
 * and by CallLocal where that is all they have. Loaded with the first of them.
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
import {
  CallError,
  type ForwardReply,
  type PeerRequest,
  type Peers,
} from "../../invocation.ts";
import type { Peer } from "../../name-resolver.ts";
import { toInvokeRequest, toReplyHead } from "./headers.ts";
import type { InvokeResponse, RequestPart, ResponsePart } from "./messages.ts";
import { PayloadBody, sendBody } from "./payloads.ts";
import { callLocal, callLocalStream } from "./service.ts";
import { kindOf } from "./status.ts";

export interface GrpcPeersOptions {
  /** Of a message; 0 or less is no limit. */
  maxBodyBytes: number;
}

/** No body has so many pieces. */
const outOfTurn = Number.MAX_SAFE_INTEGER;
/** For a peer that takes nothing. */
const cancelMs = 1000;
/** To connect, a lost packet sent again included: the address of a pod that is gone says nothing. */
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
        // A retry would hold on to the body; who calls decides on it.
        "grpc.enable_retries": 0,
        "grpc.service_config_disable_resolution": 1,
        "grpc.use_local_subchannel_pool": 1,
        "grpc.enable_channelz": 0,
      });
      clients.set(address, client);
    }
    return client;
  }

  /** The next call connects anew, at once and not when the library would try again. */
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
        return await callStream(client, request);
      } catch (error) {
        if (!isServiceError(error)) throw error;
        const isRepeatable = !(request.body instanceof Readable);
        try {
          if (error.code === codes.UNIMPLEMENTED && isRepeatable)
            return await callOnce(client, request);
          throw error;
        } catch (last) {
          if (!isServiceError(last)) throw last;
          if (last.code === codes.UNAVAILABLE) drop(client);
          throw toCallError(last, peer, request);
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

/** Rejects as a call does that finds nobody. */
function connect(client: Client): Promise<void> {
  return new Promise((resolve, reject) =>
    client.waitForReady(Date.now() + connectMs, (error) => {
      if (!error) return resolve();
      const details = `No connection established within ${connectMs / 1000} s`;
      const code = codes.UNAVAILABLE;
      reject(Object.assign(new Error(details), { code, details }));
    }),
  );
}

function callStream(
  client: Client,
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
      else if (!isAnswered)
        reject(
          new CallError(
            "internal",
            "the sidecar ended the call without an answer",
          ),
        );
      else body?.push(null);
    };
    const onAbort = () => {
      finish(signal!.reason as Error);
      breakOff();
    };
    const breakOff = () => {
      if (!(request.body instanceof Readable) || request.body.readableEnded)
        return call.cancel();
      // Node ends the stream before it resets it, and half a body would look
      // like all of it: a piece out of turn makes it invalid first.
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
          finish(
            new CallError(
              "internal",
              "response does not contain the required fields in the leading chunk",
            ),
          );
          return call.cancel();
        }
        isAnswered = true;
        const reply = toReplyHead(response);
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
      write: (payload) => call.write({ payload }),
      onceDrained: (listener) => call.once("drain", listener),
      end: () => call.end(),
      fail(error) {
        finish(error);
        breakOff();
      },
    });
  });
}

/** A body that is all there with the first message, if its length tells so. */
function wholeOf(
  headers: string[],
  data: Uint8Array | undefined,
): Uint8Array | undefined {
  const at = headers.indexOf("content-length");
  const isWhole = at >= 0 && Number(headers[at + 1]) === (data?.length ?? 0);
  return isWhole ? (data ?? new Uint8Array(0)) : undefined;
}

function callOnce(client: Client, request: PeerRequest): Promise<ForwardReply> {
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
        if (!response?.status)
          return reject(
            new CallError("internal", "the sidecar's answer has no status"),
          );
        const reply = toReplyHead(response);
        resolve({ ...reply, body: reply.body ?? response.data });
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

function toCallError(
  error: ServiceError,
  { host, port }: Peer,
  { appId }: PeerRequest,
): CallError {
  const kind = kindOf(error.code);
  if (kind !== "unavailable")
    return new CallError(kind, error.details, { cause: error });
  const unsent = /^(No connection established|Name resolution failed)/.test(
    error.details,
  );
  return new CallError(
    kind,
    `the sidecar of ${appId} at ${host}:${port} can't be reached: ${error.details}`,
    { cause: error, unsent },
  );
}
