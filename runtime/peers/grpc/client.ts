/**
 * Calls to sidecars that speak the original's internal gRPC: by CallLocalStream,
 * or by CallLocal if they have nothing else. Loaded with the first such call.
 */
import { Readable } from "node:stream";
import type { GrpcSizes, OnGrpcCall } from "../../contracts/call.ts";
import type {
  ForwardReply,
  PeerRequest,
  Peers,
} from "../../contracts/invocation.ts";
import type { Peer } from "../../contracts/name-resolver.ts";
import type { ClientCall } from "../../net/grpc/call.ts";
import { createGrpcClient, type GrpcClient } from "../../net/grpc/client.ts";
import { unsentAsked } from "../../contracts/proxied-call.ts";
import { passOn } from "../../net/grpc/pass-on.ts";
import { GrpcError, grpcCode } from "../../net/grpc/status.ts";
import { told } from "../../net/grpc/told.ts";
import { encodePayload } from "../../proto/stream-payload.ts";
import { withPort } from "../../shared/addresses.ts";
import type { Way } from "../way.ts";
import { headless, toCallError, unreadable } from "./call-errors.ts";
import { toInvokeRequest, toReplyHead, type ReplyHead } from "./headers.ts";
import { PayloadBody, sendBody } from "./payloads.ts";
import {
  callLocal,
  callLocalStreamPath,
  decodeResponsePart,
  requestHead,
  wholeMessages,
} from "./service.ts";

export interface GrpcPeersOptions {
  /** The limit of a message; 0 or less is none. */
  maxBodyBytes: number;
  onGrpcCall?: OnGrpcCall | undefined;
}

export interface GrpcPeers extends Pick<Peers, "proxy"> {
  wayTo(peer: Peer): Way;
  /** Calls under way end at once. */
  close(): void;
}

export function createGrpcPeers({
  maxBodyBytes,
  onGrpcCall,
}: GrpcPeersOptions): GrpcPeers {
  const clients = new Map<string, GrpcClient>();

  function clientFor({ host, port }: Peer): GrpcClient {
    const address = withPort(host, port);
    let client = clients.get(address);
    if (!client) {
      client = createGrpcClient({
        host,
        port,
        maxMessageBytes: maxBodyBytes,
        onAnswered: onGrpcCall,
      });
      clients.set(address, client);
    }
    return client;
  }

  /** Pods come and go, each with an address of its own. */
  function forgetUnused({ host, port }: Peer) {
    const address = withPort(host, port);
    if (!clients.get(address)?.isConnected) clients.delete(address);
  }

  async function call(peer: Peer, request: PeerRequest): Promise<ForwardReply> {
    request.signal?.throwIfAborted();
    const client = clientFor(peer);
    try {
      return await told(onGrpcCall, callLocalStreamPath, (sizes) =>
        callStream(client, peer, request, sizes),
      );
    } catch (error) {
      if (!(error instanceof GrpcError)) throw error;
      const isRepeatable = !(request.body instanceof Readable);
      try {
        if (error.code === grpcCode.unimplemented && isRepeatable)
          return await callOnce(client, peer, request);
        throw error;
      } catch (last) {
        if (!(last instanceof GrpcError)) throw last;
        forgetUnused(peer);
        throw toCallError(last, request.appId, peer);
      }
    }
  }

  return {
    wayTo(peer) {
      let isUsed = false;
      return {
        call(request) {
          isUsed = true;
          return call(peer, request);
        },
        isTrue: () =>
          !isUsed ||
          (clients.get(withPort(peer.host, peer.port))?.isConnected ?? false),
        leave: () => forgetUnused(peer),
        close: () => {},
      };
    },
    async proxy(peer, appId, call, metadata) {
      try {
        await passOn(call, clientFor(peer), {
          metadata: { ...metadata, [unsentAsked.name]: unsentAsked.value },
          explain: (error) => toCallError(error, appId, peer),
          toSidecar: true,
        });
      } finally {
        forgetUnused(peer);
      }
    },
    close() {
      for (const client of clients.values()) client.close();
      clients.clear();
    },
  };
}

async function callStream(
  client: GrpcClient,
  peer: Peer,
  request: PeerRequest,
  sizes: GrpcSizes | undefined,
): Promise<ForwardReply> {
  const { appId, body: sent, signal } = request;
  const head = requestHead(toInvokeRequest(request));
  const answer = Promise.withResolvers<ForwardReply>();
  let isAnswered = false;
  let body: PayloadBody | undefined;
  let stopSending: (() => void) | undefined;

  const takeHead = (bytes: Buffer) => {
    const { response, payload } = decodeResponsePart(bytes);
    if (!response?.status) throw headless(appId, peer);
    let reply: ReplyHead;
    try {
      reply = toReplyHead(response);
    } catch (error) {
      throw unreadable(appId, peer, error);
    }
    isAnswered = true;
    const whole = reply.body ?? wholeOf(reply.headers, payload?.data);
    if (!whole) body = new PayloadBody(call, () => call.cancel(unwanted()));
    answer.resolve({ ...reply, body: whole ?? body! });
    if (payload) body?.add(payload);
  };

  const call: ClientCall = await client.start(
    callLocalStreamPath,
    {
      // What these throw cancels the call.
      onMessage(bytes) {
        if (!isAnswered) return takeHead(bytes);
        const { payload } = decodeResponsePart(bytes);
        if (payload) body?.add(payload);
      },
      onEnd(error) {
        stopSending?.();
        if (error && !isAnswered) answer.reject(error);
        else if (error) body?.destroy(error);
        else if (!isAnswered) answer.reject(headless(appId, peer));
        else body?.push(null);
      },
    },
    {
      signal,
      sizes,
      whole: sent instanceof Readable ? undefined : wholeMessages(head, sent),
    },
  );
  if (sent instanceof Readable) {
    call.write(head);
    stopSending = sendBody(sent, {
      write: ({ data, seq }, done) =>
        void call.write(encodePayload(data, seq), done),
      end: () => call.end(),
      fail: (error) => call.cancel(error),
    });
  }
  return answer.promise;
}

const unwanted = () => new Error("the answer is not wanted any more");

/** The body if all of it came with the first message, which its length tells. */
function wholeOf(
  headers: string[],
  data: Uint8Array | undefined,
): Uint8Array | undefined {
  const at = headers.indexOf("content-length");
  const isWhole = at >= 0 && Number(headers[at + 1]) === (data?.length ?? 0);
  return isWhole ? (data ?? new Uint8Array(0)) : undefined;
}

async function callOnce(
  client: GrpcClient,
  peer: Peer,
  request: PeerRequest,
): Promise<ForwardReply> {
  const whole = toInvokeRequest(request);
  const value = request.body as Uint8Array | undefined;
  if (value) whole.message!.data = { typeUrl: request.typeUrl ?? "", value };
  const response = await client.unary(callLocal, whole, {
    signal: request.signal,
  });
  if (!response.status) throw headless(request.appId, peer);
  try {
    const reply = toReplyHead(response);
    const body = reply.body ?? response.message?.data?.value;
    return { ...reply, body: body ?? new Uint8Array(0) };
  } catch (error) {
    throw unreadable(request.appId, peer, error);
  }
}
