/** Logs once, not once a second, that a server can't be reached, and once that it can again. */
import { messageOf } from "../../errors.ts";
import type { Logger } from "../../log.ts";

export interface ServerTrouble {
  /** To be called when it can't be reached, with the reason. */
  found(reason: string): void;
  /** To be called when it is there. */
  over(): void;
  /** The last reason, while it is away. */
  readonly reason: string | undefined;
}

/** How often the latest reason is logged. */
const repeatMs = 60_000;
/** A server that comes and goes is not logged each time. */
const quietMs = 1000;

/** How Redis and PostgreSQL begin a message about a wrong login. */
const isRefusal = (reason: string) =>
  /^(WRONGPASS|NOAUTH|NOPERM|DENIED|ERR invalid password|password authentication failed|no pg_hba\.conf entry|role "|database "|the server asks for a password)/.test(
    reason,
  );

/** What a request gets while the server can't be used. */
export const lacking = (server: string, reason: string): string =>
  `${server} ${isRefusal(reason) ? "refuses the login" : "can't be reached"}: ${reason}`;

const codeOf = (error: unknown) =>
  String((error as { code?: unknown }).code ?? "");

/** What to say of a name without an address; `property` holds it. */
export const unresolved = (
  error: unknown,
  property: string,
): string | undefined =>
  /^(ENOTFOUND|EAI_AGAIN)$/.test(codeOf(error))
    ? `the host name does not resolve (${messageOf(error)}); correct ${property}, or look at the name server`
    : undefined;

/** What to say of a certificate that is not accepted; `property` names the authority's. */
export const untrusted = (
  error: unknown,
  property: string,
): string | undefined =>
  /CERT|SELF_SIGNED|UNABLE_TO/.test(codeOf(error))
    ? `the server's certificate is not accepted (${messageOf(error)}, ${codeOf(error)}); ${property}`
    : undefined;

/** `server` names it in the log: `redis at localhost:6379`. */
export function watchServer(log: Logger, server: string): ServerTrouble {
  let reason: string | undefined;
  let isTold = false;
  let isRefusalTold = false;
  let toldAt = -Infinity;
  return {
    found(now) {
      reason = now;
      const at = performance.now();
      // The first error may just be the lost connection; the refusal that follows says more.
      const isNews = isRefusal(now) && !isRefusalTold;
      if (!isNews && at - toldAt < (isTold ? repeatMs : quietMs)) return;
      isTold = true;
      isRefusalTold = isRefusal(now);
      toldAt = at;
      log.warn(`${lacking(server, now)}; trying until it can`);
    },
    over() {
      if (isTold) log.info(`${server} is connected again`);
      isTold = isRefusalTold = false;
      reason = undefined;
    },
    get reason() {
      return reason;
    },
  };
}
