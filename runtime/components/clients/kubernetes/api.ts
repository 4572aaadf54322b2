/** Reading from a cluster's API server: plain HTTPS, no client library. */
import { Agent as PlainAgent, request as plainRequest } from "node:http";
import { Agent, request } from "node:https";
import { messageOf } from "../../../shared/message-of.ts";
import { trustSystemAuthorities } from "../../../net/trusted-authorities.ts";
import type { ClusterAccess } from "./kubeconfig.ts";

/** Answers are objects of Kubernetes as JSON. */
export interface KubernetesApi {
  /** Rejects with the server's own sentence (`secrets "x" not found`). */
  get(path: string): Promise<unknown>;
  close(): void;
}

const timeoutMs = 10_000;
/** A page of 500 secrets of the size they have; a secret is at most 1 MiB. */
const maxAnswerBytes = 64 * 1024 * 1024;

export function connectKubernetes(access: ClusterAccess): KubernetesApi {
  const isPlain = access.server.startsWith("http:");
  if (!isPlain && !access.ca) trustSystemAuthorities();
  const agent = isPlain
    ? new PlainAgent({ keepAlive: true })
    : new Agent({
        keepAlive: true,
        ca: access.ca,
        cert: access.cert,
        key: access.key,
        servername: access.serverName,
        rejectUnauthorized: !access.skipVerify,
      });
  const ask = (path: string) =>
    new Promise<{ status: number; text: string }>((resolve, reject) => {
      const authorization = access.authorization?.();
      const outgoing = (isPlain ? plainRequest : request)(
        access.server + path,
        {
          agent,
          headers: {
            accept: "application/json",
            ...(authorization ? { authorization } : {}),
          },
        },
        (incoming) => {
          const chunks: Buffer[] = [];
          let size = 0;
          incoming.on("data", (chunk: Buffer) => {
            size += chunk.length;
            if (size > maxAnswerBytes)
              incoming.destroy(new Error("the answer is too large"));
            chunks.push(chunk);
          });
          incoming.on("error", reject);
          incoming.on("end", () =>
            resolve({
              status: incoming.statusCode!,
              text: Buffer.concat(chunks).toString("utf8"),
            }),
          );
        },
      );
      outgoing.setTimeout(timeoutMs, () =>
        outgoing.destroy(new Error(`no answer within ${timeoutMs} ms`)),
      );
      outgoing.on("error", reject);
      outgoing.end();
    });
  return {
    async get(path) {
      let reply;
      try {
        reply = await ask(path);
      } catch (error) {
        throw new Error(
          `the Kubernetes API server at ${access.server} could not be asked: ${messageOf(error)}`,
          { cause: error },
        );
      }
      const body = parsed(reply.text);
      if (reply.status === 200 && body) return body;
      const said = body?.["message"];
      throw new Error(
        typeof said === "string" && reply.status >= 400
          ? said
          : `the Kubernetes API server at ${access.server} answered ${reply.status} without what was asked for`,
      );
    },
    close: () => agent.destroy(),
  };
}

function parsed(text: string): Record<string, unknown> | undefined {
  try {
    const value = JSON.parse(text) as unknown;
    return typeof value === "object" && value !== null
      ? (value as Record<string, unknown>)
      : undefined;
  } catch {
    return undefined; // the caller says so; V8's message would quote the text
  }
}
