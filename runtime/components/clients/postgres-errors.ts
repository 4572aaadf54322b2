/** What errors of the driver `pg` and of PostgreSQL mean: whether to try again, and what became of a request. */
import { messageOf } from "../../errors.ts";
import { lacking } from "./server-trouble.ts";

/** The server speaks no TLS. */
export const isWithoutTls = (error: unknown) =>
  /does not support SSL/.test(messageOf(error));

const codeOf = (error: unknown) =>
  String((error as { code?: string }).code ?? "");

/** No connection could be had, so nothing was sent. The cause tells why. */
export class NotConnectedError extends Error {
  override name = "NotConnectedError";
  override readonly cause: Error;

  constructor(cause: Error) {
    super(messageOf(cause), { cause });
    this.cause = cause;
  }
}

const causeOf = (error: unknown) =>
  error instanceof NotConnectedError ? error.cause : error;

/** Trying again does not help: refused login, no such database, no right to do it, no trusted TLS. */
export function isHopeless(error: Error): boolean {
  const cause = causeOf(error);
  return (
    /^(28|3D|3F|42|0A|22)|CERT|SELF_SIGNED|UNABLE_TO|^ERR_(TLS|SSL|OSSL)/.test(
      codeOf(cause),
    ) ||
    isWithoutTls(cause) ||
    messageOf(cause).startsWith("SASL")
  );
}

/** The server has as many connections as it takes; those at hand still work. */
export const isCrowded = (error: Error) => codeOf(causeOf(error)) === "53300";

/** What happened to a statement, in words; what PostgreSQL itself answered stays as it is. */
export function explained(error: unknown, at: string): unknown {
  if (error instanceof NotConnectedError)
    return isHopeless(error)
      ? error.cause
      : new Error(lacking(at, error.message), { cause: error });
  if (!(error instanceof Error)) return error;
  const told = messageOf(error);
  if (
    /^(ECONNRESET|EPIPE|ETIMEDOUT|EHOSTUNREACH|57P01|57P02)$/.test(
      codeOf(error),
    ) ||
    /^(Connection terminated|Query read timeout|Client has encountered a connection error)/.test(
      told,
    )
  )
    return new Error(
      `the connection to ${at} was lost before it answered, so the request may have been done or not: ${told}`,
      { cause: error },
    );
  return error;
}
