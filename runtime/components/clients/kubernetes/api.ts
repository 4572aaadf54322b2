/** Reading from a cluster's API server: plain HTTPS, no client library. */
import { createExchanger } from "../../../net/exchange.ts";
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
const maxBytes = 64 * 1024 * 1024;

export function connectKubernetes(access: ClusterAccess): KubernetesApi {
  if (!access.server.startsWith("http:") && !access.ca)
    trustSystemAuthorities();
  const server = createExchanger(access.server, {
    ca: access.ca,
    cert: access.cert,
    key: access.key,
    servername: access.serverName,
    rejectUnauthorized: !access.skipVerify,
  });
  return {
    async get(path) {
      let reply;
      try {
        const authorization = access.authorization?.();
        reply = await server.ask(path, {
          headers: {
            accept: "application/json",
            ...(authorization ? { authorization } : {}),
          },
          timeoutMs,
          maxBytes,
        });
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
    close: () => server.close(),
  };
}

function parsed(text: string): Record<string, unknown> | undefined {
  try {
    const value = JSON.parse(text) as unknown;
    return typeof value === "object" && value !== null
      ? (value as Record<string, unknown>)
      : undefined;
  } catch {
    return undefined; // the caller reports it; V8's message would quote the text
  }
}
