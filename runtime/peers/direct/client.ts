/** Calls to a sidecar of this kind, over kept HTTP/1.1 connections (protocol.ts). */
import { Readable } from "node:stream";
import { createHttp1Client } from "../../net/http1/client.ts";
import { GreetingError } from "../../net/http1/greeting.ts";
import { messageOf } from "../../shared/message-of.ts";
import {
  CallError,
  isConnectError,
  type ForwardReply,
  type PeerRequest,
} from "../../contracts/invocation.ts";
import type { Peer } from "../../contracts/name-resolver.ts";
import { lost, sidecarOf, unreachable } from "../failures.ts";
import type { Way } from "../way.ts";
import {
  directVersion,
  greetingQuestion,
  peerHeader,
  peerHost,
  readErrorMark,
  readGrpcMark,
  requestMark,
  statusOfGreeting,
} from "./protocol.ts";

/** Long enough for a packet that is sent again. */
const connectLimitMs = 2000;
/** For connecting and the answer to the greeting. */
const greetingLimitMs = 3000;
const maxErrorBytes = 64 * 1024;

/**
 * Connects and greets, so that the first call finds a connection. Rejects with a {@link GreetingError} if
 * something else than a sidecar of this kind listens there, or with a {@link CallError}.
 * Each further connection is greeted as well, so a call rejects in the same way, of which nothing was sent then.
 */
export async function openDirect(peer: Peer, appId: string): Promise<Way> {
  const client = createHttp1Client({
    host: peer.host,
    port: peer.port,
    authority: peerHost,
    connectLimitMs,
    greeting: {
      head: greetingQuestion,
      limitMs: greetingLimitMs,
      judge: judgeGreeting,
    },
  });
  const send = (request: PeerRequest) =>
    client.forward({
      // One that the server's parser knows; the mark tells the truth.
      method: request.method === "NONE" ? "POST" : request.method,
      path: request.path,
      headers: [peerHeader, requestMark(request), ...request.headers],
      body: request.body,
      signal: request.signal,
    });
  try {
    await client.open();
  } catch (error) {
    client.close();
    if (error instanceof GreetingError || error instanceof CallError)
      throw error;
    throw unreachable(appId, peer, messageOf(error), error);
  }
  return {
    async call(request) {
      let reply: ForwardReply;
      try {
        reply = await send(request);
      } catch (error) {
        throw explained(error, peer, request);
      }
      return accept(reply, peer, request);
    },
    isTrue: () => client.isOpen,
    leave: () => client.retire(),
    close: () => client.close(),
  };
}

async function judgeGreeting({ status, headers, body }: ForwardReply) {
  const mark = markOf(headers);
  const error = readErrorMark(mark);
  if (error) throw new CallError(error.kind, await textOf(body), error);
  if (mark !== directVersion || status !== statusOfGreeting)
    throw new Error(`it answered ${status}, but not as a sidecar does`);
}

const markOf = (headers: readonly string[]): string =>
  headers[0]?.toLowerCase() === peerHeader ? headers[1]! : "";

function explained(error: unknown, peer: Peer, request: PeerRequest): unknown {
  if (
    error instanceof CallError ||
    error instanceof GreetingError ||
    isCallersOwn(request)
  )
    return error;
  const fail = isConnectError(error) ? unreachable : lost;
  return fail(request.appId, peer, messageOf(error), error);
}

/** Removes the mark from an answer, or throws the error that it tells. */
async function accept(
  reply: ForwardReply,
  peer: Peer,
  { appId }: PeerRequest,
): Promise<ForwardReply> {
  const { headers, body } = reply;
  const mark = markOf(headers);
  if (mark === directVersion) return { ...reply, headers: headers.slice(2) };
  const grpc = readGrpcMark(mark);
  if (grpc) return { ...reply, headers: headers.slice(2), grpc };
  const error = readErrorMark(mark);
  if (error) throw new CallError(error.kind, await textOf(body), error);
  if (body instanceof Readable) body.destroy();
  throw new CallError(
    "unavailable",
    `${sidecarOf(appId, peer)} answered ${reply.status}, but not as a sidecar does; is it another program?`,
  );
}

/** Of a text that is too long, its beginning: shared/whole-body.ts would give none of it. */
async function textOf(body: ForwardReply["body"]): Promise<string> {
  if (!(body instanceof Readable)) return Buffer.from(body).toString("utf8");
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of body) {
    chunks.push(chunk as Buffer);
    size += (chunk as Buffer).length;
    if (size > maxErrorBytes) break;
  }
  return Buffer.concat(chunks).toString("utf8");
}

/** Whether the caller left or its body broke off, which says nothing about the peer. */
const isCallersOwn = ({ signal, body }: PeerRequest) =>
  signal?.aborted === true ||
  (body instanceof Readable &&
    (body.errored !== null || (body.destroyed && !body.readableEnded)));
