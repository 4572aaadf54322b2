/** Calls to sidecars of this kind, over kept HTTP/1.1 connections (protocol.ts). */
import { Readable } from "node:stream";
import { createHttp1Client, type Http1Client } from "../../net/http1/client.ts";
import { messageOf } from "../../shared/message-of.ts";
import {
  CallError,
  isConnectError,
  type ForwardReply,
  type PeerRequest,
} from "../../contracts/invocation.ts";
import type { Peer } from "../../contracts/name-resolver.ts";
import { lost, unreachable } from "../failures.ts";
import {
  directVersion,
  peerHeader,
  peerHost,
  readErrorMark,
} from "./protocol.ts";

/** The peer does not speak this version, and nothing of the request was used. */
export class NotDirect extends Error {
  override name = "NotDirect";
}

export interface DirectPeers {
  /** Rejects with {@link NotDirect}, a CallError, or the error of the request's own body or signal. */
  call(peer: Peer, request: PeerRequest): Promise<ForwardReply>;
  close(): void;
}

const maxErrorBytes = 64 * 1024;

export function createDirectPeers(): DirectPeers {
  const clients = new Map<string, Http1Client>();

  function retire(key: string, client: Http1Client) {
    if (clients.get(key) === client) clients.delete(key);
    client.retire();
  }

  return {
    async call(peer, request) {
      const key = `${peer.host} ${peer.port}`;
      let client = clients.get(key);
      if (!client) {
        client = createHttp1Client({
          host: peer.host,
          port: peer.port,
          authority: peerHost,
        });
        clients.set(key, client);
      }
      let reply: ForwardReply;
      try {
        reply = await client.forward({
          method: request.method,
          path: request.path,
          headers: [peerHeader, directVersion, ...request.headers],
          body: request.body,
          signal: request.signal,
        });
      } catch (error) {
        if (error instanceof CallError || isCallersOwn(request)) throw error;
        const isUnsent = isConnectError(error);
        // Another program may have its port by now, so no connection is kept. But it
        // may just be ending, and still be working on the calls it has.
        if (isUnsent) retire(key, client);
        const fail = isUnsent ? unreachable : lost;
        throw fail(request.appId, peer, messageOf(error), error);
      }
      try {
        return await accept(reply);
      } catch (error) {
        // The sidecar or its app is ending, so its other connections are useless too.
        if (error instanceof CallError && error.unsent) retire(key, client);
        throw error;
      }
    },
    close() {
      for (const client of clients.values()) client.close();
      clients.clear();
    },
  };
}

/** Removes the mark from an answer, or throws the error that it tells. */
async function accept(reply: ForwardReply): Promise<ForwardReply> {
  const { headers, body } = reply;
  const mark = headers[0]?.toLowerCase() === peerHeader ? headers[1]! : "";
  if (mark === directVersion) return { ...reply, headers: headers.slice(2) };
  const error = readErrorMark(mark);
  if (error) throw new CallError(error.kind, await textOf(body), error);
  if (body instanceof Readable) body.destroy();
  throw new NotDirect(`it answered ${reply.status}, but not as a sidecar does`);
}

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
