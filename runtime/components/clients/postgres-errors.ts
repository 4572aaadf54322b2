/** What errors of the driver `pg` and of PostgreSQL mean: whether to try again, and what became of a request. */
import { messageOf } from "../../errors.ts";

/** The server speaks no TLS. */
export const isWithoutTls = (error: unknown) =>
  /does not support SSL/.test(messageOf(error));

const codeOf = (error: unknown) =>
  String((error as { code?: string }).code ?? "");

/** Trying again does not help: refused login, no such database, no right to do it, no trusted TLS. */
export const isHopeless = (error: Error) =>
  /^(28|3D|42|0A|22)|CERT|SELF_SIGNED|UNABLE_TO|^ERR_(TLS|SSL|OSSL)/.test(
    codeOf(error),
  ) ||
  isWithoutTls(error) ||
  error.message.startsWith("SASL");

/** What happened to a statement, in words; what PostgreSQL itself answered stays as it is. */
export function explained(error: unknown, at: string): unknown {
  if (!(error instanceof Error)) return error;
  const code = codeOf(error);
  const told = messageOf(error);
  if (
    /^(ECONNREFUSED|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|ETIMEDOUT|ENOENT|57P03|53300)$/.test(
      code,
    ) ||
    /timeout exceeded when trying to connect|Connection terminated due to connection timeout/.test(
      told,
    )
  )
    return new Error(`${at} can't be reached: ${told}`, { cause: error });
  if (
    /^(ECONNRESET|EPIPE|57P01|57P02)$/.test(code) ||
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
