/** What errors of the driver `pg` and of PostgreSQL mean: whether to try again, what became of a request, and what to do. */
import { codeOf } from "../../../shared/code-of.ts";
import { messageOf } from "../../../shared/message-of.ts";
import { unresolved } from "../../../shared/unresolved.ts";
import { formatHostPort } from "../host-port.ts";
import { lacking, untrusted } from "../server-outage.ts";
import type { PostgresServer } from "./settings.ts";

/** The server speaks no TLS. */
export const isWithoutTls = (error: unknown) =>
  /does not support SSL/.test(messageOf(error));

/** A pooler in between refuses settings that it can't pass on. */
export const refusesSettings = (error: unknown) =>
  /^unsupported startup parameter.*statement_timeout/.test(messageOf(error));

/** There was no connection, so nothing was sent. The cause says why. */
export class NotConnectedError extends Error {
  override name = "NotConnectedError";
  override readonly cause: Error;

  constructor(cause: Error) {
    super(messageOf(cause), { cause });
    this.cause = cause;
  }
}

/** All connections were in use. */
export class PoolExhaustedError extends Error {
  override name = "PoolExhaustedError";
}

/** There was no answer, not even after a cancel request. */
export class LateError extends Error {
  override name = "LateError";
}

/** What is in the database can't be used, and waiting does not help. */
export class UnusableError extends Error {
  override name = "UnusableError";
}

const causeOf = (error: unknown) =>
  error instanceof NotConnectedError ? error.cause : error;

/** PostgreSQL itself refused the statement, and the connection goes on. */
export const wasAnswered = (error: unknown) =>
  (error as { severity?: unknown }).severity !== undefined &&
  !/^(08|57P)/.test(codeOf(error));

/** PostgreSQL's own error, which is the cause of an explained one. */
const answered = (error: unknown) =>
  error instanceof Error && error.cause ? error.cause : error;

/** Whether PostgreSQL refused a statement. */
export function wasRefused(error: unknown): boolean {
  const cause = answered(error);
  return wasAnswered(cause) && !wasCancelled(cause);
}

/** A statement was given up: by its limit, because it was asked to, or as a COPY that gets nothing. */
export const wasCancelled = (error: unknown) => codeOf(error) === "57014";

/** What PostgreSQL answered as the original tells it, `ERROR: relation "x" does not exist (SQLSTATE 42P01)`; all else as it is. */
export function withSqlState(error: unknown): string {
  const { severity } = error as { severity?: string };
  return severity === undefined
    ? messageOf(error)
    : `${severity}: ${messageOf(error)} (SQLSTATE ${codeOf(error)})`;
}

/** Whether trying again does not help: refused login, no such database, missing right, TLS that is not trusted. */
export function isHopeless(error: Error): boolean {
  const cause = causeOf(error);
  return (
    cause instanceof UnusableError ||
    /^(28|3D|3F|42|0A|22)|CERT|SELF_SIGNED|UNABLE_TO|^ERR_(TLS|SSL|OSSL)/.test(
      codeOf(cause),
    ) ||
    isWithoutTls(cause) ||
    messageOf(cause).startsWith("SASL")
  );
}

/** The server takes no more connections; the existing ones still work. */
export const isCrowded = (error: Error) => codeOf(causeOf(error)) === "53300";

export const postgresAt = ({ host, port }: PostgresServer): string =>
  `postgresql at ${host.startsWith("/") ? host : formatHostPort(host, port)}`;

/** Why there is no connection, and what to set. */
export function reasonOf(error: unknown): string {
  const cause = causeOf(error);
  const told = messageOf(cause);
  const code = codeOf(cause);
  if (isWithoutTls(cause))
    return `the server speaks no TLS, which sslmode asks for; set sslmode=disable, or give the server a certificate (${told})`;
  if (/client password must be a (non-empty )?string/.test(told))
    return `the server asks for a password, and none is set; set password (${told})`;
  if (
    told.includes("no pg_hba.conf entry") &&
    /no encryption|SSL off/.test(told)
  )
    return `${told}; without TLS the server takes no such connection: set sslmode=require, or add a line to its pg_hba.conf`;
  if (code === "28000")
    return `${told}; correct user and database, or add a line to the server's pg_hba.conf`;
  // A pooler has its own code.
  if (told.startsWith("password authentication failed"))
    return `${told}; correct user and password`;
  if (code === "3D000") return `${told}; create it, or correct database`;
  if (code === "42704" && told.startsWith("unrecognized configuration"))
    return `${told}: connectionString has a key that is neither libpq's nor a setting of the server`;
  if (code === "53300")
    return `${told}; lower maxConns in the sidecars, or raise max_connections in the server`;
  if (/^ECONNREFUSED|^ENOENT/.test(code))
    return `nothing listens there (${told}); start it, or correct host and port`;
  if (/timeout/.test(told) && told.startsWith("Connection terminated"))
    return `no answer (${told}); correct host and port, or look at what is between`;
  return (
    unresolved(cause, "host") ??
    untrusted(
      cause,
      "name its authority's file in sslRootCert, and the host as the certificate does",
    ) ??
    told
  );
}

/** By code and pattern of the message: what an answer of the server means, as a sentence. */
export type ServerAnswer = readonly [
  code: string,
  pattern: RegExp,
  sentence: string,
];

/** The first of `answers` that tells this error of the server, also of an explained one. */
export function answerTo(
  error: unknown,
  answers: readonly ServerAnswer[],
): ServerAnswer | undefined {
  const told = answered(error);
  return wasAnswered(told)
    ? answers.find(
        ([code, pattern]) =>
          code === codeOf(told) && pattern.test(messageOf(told)),
      )
    : undefined;
}

/** What has no sentence stays as it is. */
const generalAnswers: ServerAnswer[] = [
  [
    "40P01",
    /./,
    "two transactions waited for each other and this one was given up, nothing of it is done; send it again, with keys in one order in all of them",
  ],
  [
    "40001",
    /./,
    "another transaction came between, nothing of this one is done; send it again",
  ],
  ["53100", /./, "the server's disk is full; free space there"],
  ["42501", /./, "the user lacks a right in the server; see GRANT"],
  [
    "25006",
    /./,
    "the server only reads (a standby?); name the one that writes",
  ],
];

/** What happened to a request, in words. `reads`: it changes nothing. */
export function explained(
  error: unknown,
  server: PostgresServer,
  reads: boolean,
  answers: readonly ServerAnswer[] = [],
): unknown {
  const at = postgresAt(server);
  const seconds = `${server.timeoutMs / 1000} s`;
  const say = (text: string) => new Error(text, { cause: error });
  if (error instanceof NotConnectedError)
    return say(lacking(at, reasonOf(error)));
  if (error instanceof PoolExhaustedError)
    return say(
      `all ${server.maxConnections} connections to ${at} were in use for ${seconds}; raise maxConns, or see in pg_stat_activity what holds them`,
    );
  if (!(error instanceof Error)) return error;
  const told = messageOf(error);
  const code = codeOf(error);
  const sentence = answerTo(error, [...answers, ...generalAnswers])?.[2];
  if (sentence) return say(`${at}: ${sentence} (${told})`);
  if (wasCancelled(error))
    return say(
      `${at}: the statement took longer than ${server.limitsStatements || /user request/.test(told) ? seconds : "its statement_timeout"} and was cancelled, nothing of it is done (${told}); see in pg_stat_activity what it waited for, or raise timeout`,
    );
  if (wasAnswered(error)) return error;
  const outcome = reads ? "" : ", so the request may have been done or not";
  if (error instanceof LateError)
    return say(
      `${at} gave no answer for ${seconds}${outcome}; look at the server, or raise timeout`,
    );
  if (
    /^(ECONNRESET|EPIPE|ETIMEDOUT|EHOSTUNREACH|57P01|57P02)$/.test(code) ||
    /^(Connection terminated|Client has encountered a connection error)/.test(
      told,
    )
  )
    return say(
      `the connection to ${at} was lost before it answered${outcome}: ${told}`,
    );
  return error;
}
