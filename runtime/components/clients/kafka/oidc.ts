/** Tokens by OAuth 2 client credentials (RFC 6749 §4.4), kept until shortly before they end. */
import { request as httpRequest } from "node:http";
import { request as httpsRequest } from "node:https";

export interface ClientCredentials {
  endpoint: string;
  clientId: string;
  clientSecret: string;
  scopes: string[];
  /** Sent to the broker along with the token. */
  extensions: Record<string, string>;
  /** Who vouches for the token endpoint, if not the usual authorities. */
  ca: string | undefined;
}

const timeoutMs = 10_000;
const renewBeforeMs = 30_000;

export function clientCredentials(
  options: ClientCredentials,
): () => Promise<{ value: string; extensions: Record<string, string> }> {
  let token: { value: string; until: number } | undefined;
  let asking: Promise<void> | undefined;
  return async () => {
    if (!token || Date.now() > token.until) {
      // Connections that open together share one question.
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
  const { status, body } = await post(options, form.toString()).catch(
    (error: Error) => {
      throw fail(error.message);
    },
  );
  // The body may hold what should not be in a log, so errors leave it out.
  if (status !== 200) throw fail(`it answered ${status}`);
  let reply: { access_token?: unknown; expires_in?: unknown } | null;
  try {
    reply = JSON.parse(body);
  } catch {
    throw fail("its answer is not JSON");
  }
  if (typeof reply?.access_token !== "string")
    throw fail("its answer has no access_token");
  const lifeMs = Number(reply.expires_in ?? 300) * 1000;
  const until = Date.now() + Math.max(lifeMs - renewBeforeMs, lifeMs / 2);
  return { value: reply.access_token, until };
}

/** Not fetch(): only node:https takes a certificate authority of one's own. */
function post(
  { endpoint, ca }: ClientCredentials,
  body: string,
): Promise<{ status: number; body: string }> {
  const url = new URL(endpoint);
  const open = url.protocol === "http:" ? httpRequest : httpsRequest;
  return new Promise((resolve, reject) => {
    const request = open(
      url,
      {
        method: "POST",
        ca,
        headers: { "content-type": "application/x-www-form-urlencoded" },
        signal: AbortSignal.timeout(timeoutMs),
      },
      async (response) => {
        try {
          let text = "";
          for await (const chunk of response.setEncoding("utf8")) {
            text += chunk;
            if (text.length > 1024 * 1024)
              throw new Error("its answer is larger than 1 MiB");
          }
          resolve({ status: response.statusCode ?? 0, body: text });
        } catch (error) {
          reject(error);
        }
      },
    );
    request.on("error", reject);
    request.end(body);
  });
}
