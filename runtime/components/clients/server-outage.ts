/** An outage of a server, in the log and in the answers that its requests get. */
import { codeOf } from "../../shared/code-of.ts";
import { messageOf } from "../../shared/message-of.ts";
import type { Logger } from "../../shared/log.ts";
import { watchOutage, type Outage } from "../../shared/outage.ts";

/** How Redis, PostgreSQL, RabbitMQ and MQTT begin a message about a wrong login. */
const isRefusal = (reason: string) =>
  /^(WRONGPASS|NOAUTH|NOPERM|DENIED|ERR invalid password|password authentication failed|no pg_hba\.conf entry|role "|database "|the server asks for a password|ACCESS_REFUSED|NOT_ALLOWED|Connection refused: (Bad|Not|Identifier) )/.test(
    reason,
  );

/** What a request gets while the server can't be used. */
export const lacking = (server: string, reason: string): string =>
  `${server} ${isRefusal(reason) ? "refuses the login" : "can't be reached"}: ${reason}`;

/** What to say of a certificate that is not accepted; `property` names the authority's. */
export const untrusted = (
  error: unknown,
  property: string,
): string | undefined =>
  /^(?!ERR_SSL_).*(?:CERT|SELF_SIGNED|UNABLE_TO)/.test(codeOf(error))
    ? `the server's certificate is not accepted (${messageOf(error)}, ${codeOf(error)}); ${property}`
    : undefined;

/** `server` names it in the log: `redis at localhost:6379`. */
export const watchServer = (log: Logger, server: string): Outage =>
  watchOutage(
    {
      found: (reason) =>
        log.warn(`${lacking(server, reason)}; trying until it can`),
      over: () => log.info(`${server} is connected again`),
    },
    {
      // The first error may just be the lost connection; the refusal that follows says more.
      isNews: (reason, told) =>
        isRefusal(reason) && !(told !== undefined && isRefusal(told)),
    },
  );
