/** Tokens by OAuth 2 client credentials (RFC 6749 §4.4), kept until shortly before they end. */
import { createExchanger } from "../../../net/exchange.ts";

export interface ClientCredentials {
  endpoint: string;
  clientId: string;
  clientSecret: string;
  scopes: string[];
  /** Sent to the broker along with the token. */
  extensions: Record<string, string>;
  /** The certificate authority of the token endpoint, if it is not one of the usual ones. */
  ca: string | undefined;
}

const timeoutMs = 10_000;
const maxBytes = 1024 * 1024;
const renewBeforeMs = 30_000;

export function clientCredentials(
  options: ClientCredentials,
): () => Promise<{ value: string; extensions: Record<string, string> }> {
  let token: { value: string; until: number } | undefined;
  let asking: Promise<void> | undefined;
  return async () => {
    if (!token || Date.now() > token.until) {
      // Connections that open together share one request.
      asking ??= fetchToken(options)
        .then((answer) => void (token = answer))
        .finally(() => (asking = undefined));
      await asking;
    }
    return { value: token!.value, extensions: options.extensions };
  };
}

async function fetchToken(
  options: ClientCredentials,
): Promise<{ value: string; until: number }> {
  const form = new URLSearchParams({
    grant_type: "client_credentials",
    client_id: options.clientId,
    client_secret: options.clientSecret,
    scope: options.scopes.join(" "),
  });
  const fail = (reason: string) =>
    new Error(
      `kafka error: no token from oidcTokenEndpoint ${options.endpoint}: ${reason}`,
    );
  const { status, text } = await post(options, form.toString()).catch(
    (error: Error) => {
      throw fail(error.message);
    },
  );
  // The body may hold what should not be in a log, so errors leave it out.
  if (status !== 200) throw fail(`it answered ${status}`);
  let reply: { access_token?: unknown; expires_in?: unknown } | null;
  try {
    reply = JSON.parse(text);
  } catch {
    throw fail("its answer is not JSON");
  }
  if (typeof reply?.access_token !== "string")
    throw fail("its answer has no access_token");
  const lifeMs = Number(reply.expires_in ?? 300) * 1000;
  const until = Date.now() + Math.max(lifeMs - renewBeforeMs, lifeMs / 2);
  return { value: reply.access_token, until };
}

/** Not fetch(): it takes no certificate authority of one's own. */
async function post({ endpoint, ca }: ClientCredentials, body: string) {
  const { origin, pathname, search } = new URL(endpoint);
  const server = createExchanger(origin, { ca });
  try {
    return await server.ask(pathname + search, {
      method: "POST",
      headers: { "content-type": "application/x-www-form-urlencoded" },
      body,
      timeoutMs,
      maxBytes,
    });
  } finally {
    server.close();
  }
}
