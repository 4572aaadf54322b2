/** What errors of ioredis and of Redis mean: whether to try again, what became of a command, and what to do. */
import { codeOf } from "../../../shared/code-of.ts";
import { messageOf } from "../../../shared/message-of.ts";
import { unresolved } from "../../../shared/unresolved.ts";
import type { RedisServer } from "./settings.ts";
import { lacking, untrusted } from "../server-outage.ts";
import { wrongServer } from "../wrong-server.ts";

/** Trying again does not help. */
export class HopelessError extends Error {
  override name = "HopelessError";
}

/** The server listens, but closes each new connection. */
export const hungUp = "the server closed the connection";
/** The server closed a connection that was in use. */
export const cutOff = "the server ended the connection";

export const isHopeless = (error: Error): boolean =>
  error instanceof HopelessError ||
  /^(WRONGPASS|NOAUTH|NOPERM|DENIED)/.test(error.message) ||
  (error.message.startsWith("ERR ") &&
    /AUTH|invalid password|DB index|cluster support disabled/.test(
      error.message,
    )) ||
  /unknown command ['`]?sentinel/i.test(error.message) ||
  /CERT|SELF_SIGNED|UNABLE_TO|ERR_TLS|ERR_OSSL|ERR_SSL|EPROTO/.test(
    codeOf(error),
  );

/** Why there is no connection, and what to set. Redis' own answer comes first. */
export function reasonOf(
  error: unknown,
  { tls, answerTimeoutMs }: RedisServer,
): string {
  const told = messageOf(error);
  const code = codeOf(error);
  if (/^(WRONGPASS|ERR invalid password)/.test(told))
    return `${told}; correct redisUsername and redisPassword`;
  if (told.startsWith("NOAUTH")) return `${told}; set redisPassword`;
  if (told.startsWith("NOPERM"))
    return `${told}; let the user do it (ACL SETUSER)`;
  if (/^ERR .*DB index/.test(told)) return `${told}; correct redisDB`;
  if (/^ERR .*cluster support disabled/.test(told))
    return `${told}; set redisType to node`;
  if (/unknown command ['`]?sentinel/i.test(told))
    return `${told}; redisHost must name sentinels, or failover be false`;
  const wrong = wrongServer(error, {
    ownPort: "Redis' own port",
    foreign: /^(Unknown RESP type|Command queue state error)/,
    useTls: "set enableTLS",
    useNoTls: "set enableTLS to false",
    speaksTls: tls !== undefined,
    hasCertificate: tls?.cert !== undefined,
  });
  if (wrong) return wrong;
  if (code === "ETIMEDOUT")
    return `no answer (${told}); ${tls ? "if it speaks no TLS, set enableTLS to false; else " : ""}correct redisHost and redisPort, or look at what is between`;
  if (told.startsWith("Socket timeout"))
    return `no answer for ${(answerTimeoutMs ?? 0) / 1000} s; look at the server, or raise readTimeout`;
  if (told === hungUp && !tls)
    return `${told}; if it speaks TLS only, set enableTLS`;
  if (code === "ECONNREFUSED")
    return `nothing listens there (${told}); start it, or correct redisHost and redisPort`;
  return (
    unresolved(error, "redisHost") ??
    untrusted(
      error,
      "name its authority's file in SSL_CERT_FILE, and the host as the certificate does",
    ) ??
    told
  );
}

/** What to say of an answer of Redis. */
const answers: [pattern: RegExp, sentence: string][] = [
  [
    /\bOOM command not allowed/,
    "its memory is full; delete something, or raise maxmemory",
  ],
  [
    /^MISCONF/,
    "it can't write to its disk and takes no writes; free space there",
  ],
  [
    /^READONLY|-READONLY|can't write against a read only replica/,
    "it is a replica, which only reads; redisHost must name the one that writes",
  ],
  [/^NOREPLICAS/, "it has too few replicas to take writes"],
  [/^NOPERM/, "the user may not do that; see ACL SETUSER"],
  [/^LOADING/, "it still reads its data; ask again"],
  [/^BUSY /, "a script of another program keeps it busy; ask again"],
];

/** What happened to a command, in words. An error without words here stays as it is. `reads`: the command changes nothing. */
export function explained(
  error: unknown,
  at: string,
  reason: string | undefined,
  reads: boolean,
): unknown {
  if (!(error instanceof Error)) return error;
  const say = (text: string) => new Error(text, { cause: error });
  if (error.name === "ReplyError") {
    const told = firstCause(error);
    const sentence = answers.find(([pattern]) => pattern.test(told))?.[1];
    return sentence ? say(`redis at ${at}: ${sentence} (${told})`) : error;
  }
  if (error.message.startsWith("Stream isn't writeable"))
    return say(lacking(`redis at ${at}`, reason ?? "it does not answer"));
  if (
    error.name === "MaxRetriesPerRequestError" ||
    error.name === "AbortError" ||
    error.message === "Connection is closed."
  ) {
    const outcome = reads ? "" : ", so the request may have been done or not";
    return say(
      `the connection to redis at ${at} was lost before it answered${outcome}${reason ? `: ${reason}` : ""}`,
    );
  }
  return error;
}

/** If a transaction is refused as a whole, the commands that were refused say why. */
const firstCause = (error: Error & { previousErrors?: Error[] }): string =>
  error.previousErrors?.[0]?.message ?? error.message;
